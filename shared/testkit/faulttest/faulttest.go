// Package faulttest makes calls of the AWS SDK fail in tests: with errors,
// throttling, lost responses and partial results, which the local cloud never
// produces.
package faulttest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/middleware"
)

// Call is one AWS call that a test may answer instead of AWS.
type Call struct {
	// Operation is the SDK's name of the call, for instance SendMessageBatch.
	Operation string
	// Input is the SDK's input, a pointer.
	Input any
	real  func() (any, error)
}

// Make makes the call. It may be used more than once: the SDK repeats a call
// whose answer is lost.
func (c Call) Make() (any, error) { return c.real() }

// By returns c, but answer takes the place of AWS.
func (c Call) By(answer func() (any, error)) Call { return Call{c.Operation, c.Input, answer} }

// Watched returns c, but seen gets the result of every call that is made.
func (c Call) Watched(seen func(result any)) Call {
	return Call{c.Operation, c.Input, func() (any, error) {
		result, err := c.real()
		seen(result)
		return result, err
	}}
}

// Faults answers calls in place of AWS. It acts outside the SDK's retries, so an
// error that it returns is final. Its methods may be called while calls are in
// flight. The zero value lets every call pass.
type Faults struct {
	mu        sync.Mutex
	intercept func(Call) (any, error)
	answers   map[string]func(Call) (any, error) // by operation
	counts    map[string]int                     // by operation
}

// Config returns a copy of cfg whose clients make their calls through f.
func (f *Faults) Config(cfg aws.Config) aws.Config {
	cfg.APIOptions = append(slices.Clone(cfg.APIOptions), func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("faults", f.handle), middleware.After)
	})
	return cfg
}

// Set makes intercept answer every call from now on, except the operations that
// have an answer of their own. With nil, calls pass. intercept must be safe for
// concurrent use.
func (f *Faults) Set(intercept func(Call) (any, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.intercept = intercept
}

// Fail makes every call of an operation fail with err. With a nil err they pass
// again.
func (f *Faults) Fail(operation string, err error) {
	if err == nil {
		f.answer(operation, nil)
		return
	}
	f.answer(operation, func(Call) (any, error) { return nil, err })
}

// FailTimes makes the next n calls of an operation fail with err.
func (f *Faults) FailTimes(n int, operation string, err error) {
	var mu sync.Mutex
	f.answer(operation, func(c Call) (any, error) {
		mu.Lock()
		n--
		fails := n >= 0
		mu.Unlock()
		if fails {
			return nil, err
		}
		return c.Make()
	})
}

// On makes answer return the result of every call whose input is an In. A call
// for which it returns nil and no error passes. Calls are answered one at a time.
func On[In, Out any](f *Faults, answer func(*In) (*Out, error)) {
	operation, is := strings.CutSuffix(reflect.TypeFor[In]().Name(), "Input")
	if !is {
		panic(fmt.Sprintf("%v is not the input of a call", reflect.TypeFor[In]()))
	}
	var mu sync.Mutex
	f.answer(operation, func(c Call) (any, error) {
		mu.Lock()
		out, err := answer(c.Input.(*In))
		mu.Unlock()
		if out == nil && err == nil {
			return c.Make()
		}
		return out, err
	})
}

// Clear lets every call pass again.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.intercept, f.answers = nil, nil
}

// Calls returns how many calls of the operations were made or answered so far.
func (f *Faults) Calls(operations ...string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	sum := 0
	for _, operation := range operations {
		sum += f.counts[operation]
	}
	return sum
}

func (f *Faults) answer(operation string, answer func(Call) (any, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.answers == nil {
		f.answers = make(map[string]func(Call) (any, error))
	}
	f.answers[operation] = answer
}

// next counts a call and returns the function that answers it, nil for AWS.
func (f *Faults) next(operation string) func(Call) (any, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.counts == nil {
		f.counts = make(map[string]int)
	}
	f.counts[operation]++
	if answer := f.answers[operation]; answer != nil {
		return answer
	}
	return f.intercept
}

func (f *Faults) handle(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	operation := middleware.GetOperationName(ctx)
	answer := f.next(operation)
	if answer == nil {
		return next.HandleInitialize(ctx, in)
	}
	var metadata middleware.Metadata
	result, err := answer(Call{Operation: operation, Input: in.Parameters, real: func() (any, error) {
		out, md, err := next.HandleInitialize(ctx, in)
		metadata = md
		return out.Result, err
	}})
	return middleware.InitializeOutput{Result: result}, metadata, err
}
