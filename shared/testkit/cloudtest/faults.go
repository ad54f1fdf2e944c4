package cloudtest

import (
	"context"
	"sync"

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

// Make makes the call. It may be made more than once, as the SDK does when an
// answer is lost.
func (c Call) Make() (any, error) { return c.real() }

// Watched returns c, but seen gets the result of every call that is made.
func (c Call) Watched(seen func(result any)) Call {
	return Call{c.Operation, c.Input, func() (any, error) {
		result, err := c.real()
		seen(result)
		return result, err
	}}
}

// Faults stands between the SDK's clients and their retries, so that an error
// it answers is one that outlasted them. The zero value lets every call pass.
type Faults struct {
	mu        sync.Mutex
	intercept func(Call) (any, error)
}

// Set makes intercept answer the calls from now on; nil lets them through.
// Calls come at once, so intercept must be safe for that.
func (f *Faults) Set(intercept func(Call) (any, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.intercept = intercept
}

// Install adds f to a client's stack. It is one of the client's APIOptions.
func (f *Faults) Install(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("faults", f.handle), middleware.After)
}

func (f *Faults) handle(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	f.mu.Lock()
	intercept := f.intercept
	f.mu.Unlock()
	if intercept == nil {
		return next.HandleInitialize(ctx, in)
	}
	var metadata middleware.Metadata
	result, err := intercept(Call{Operation: middleware.GetOperationName(ctx), Input: in.Parameters, real: func() (any, error) {
		out, md, err := next.HandleInitialize(ctx, in)
		metadata = md
		return out.Result, err
	}})
	return middleware.InitializeOutput{Result: result}, metadata, err
}
