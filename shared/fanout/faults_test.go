package fanout_test

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go/middleware"
)

// What a call of the fanout is for.
const (
	index  = "read the index"
	known  = "read known events"
	put    = "put a body"
	store  = "store an event"
	send   = "send deliveries"
	letter = "send dead letters"
)

var errDown = errors.New("down")

// call is one AWS call, of which real makes it.
type call struct {
	what  string
	input any
	real  func() (any, error)
}

// faults stands between the SDK's clients and its retries, so that an error it
// answers is one that outlasted them.
type faults struct {
	names map[string]string // what a table or queue is for

	mu        sync.Mutex
	intercept func(call) (any, error)
}

// set makes intercept answer the calls from now on; nil lets them through.
func (f *faults) set(intercept func(call) (any, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.intercept = intercept
}

func (f *faults) install(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("faults",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			f.mu.Lock()
			intercept := f.intercept
			f.mu.Unlock()
			if intercept == nil {
				return next.HandleInitialize(ctx, in)
			}
			var metadata middleware.Metadata
			result, err := intercept(call{what: f.what(in.Parameters), input: in.Parameters, real: func() (any, error) {
				out, md, err := next.HandleInitialize(ctx, in)
				metadata = md
				return out.Result, err
			}})
			return middleware.InitializeOutput{Result: result}, metadata, err
		}), middleware.After)
}

func (f *faults) what(input any) string {
	switch in := input.(type) {
	case *dynamodb.BatchGetItemInput:
		for table := range in.RequestItems {
			return f.names[table]
		}
	case *dynamodb.PutItemInput:
		name, _ := in.Item["event"].(*dynamotypes.AttributeValueMemberS)
		if strings.Count(name.Value, "#") == 2 {
			return put
		}
		return store
	case *sqs.SendMessageBatchInput:
		return f.names[*in.QueueUrl]
	}
	return "an unknown call"
}

// fail answers the n-th call (from 1) that is for what: with the error before
// the call is made, or in place of its answer ("the answer was lost").
func fail(what string, n int, lost bool) func(call) (any, error) {
	var mu sync.Mutex
	return func(c call) (any, error) {
		mu.Lock()
		if c.what == what {
			n--
		}
		hit := c.what == what && n == 0
		mu.Unlock()
		if hit && !lost {
			return nil, errDown
		}
		out, err := c.real()
		if hit {
			return nil, errDown
		}
		return out, err
	}
}

// crash is the end of the process in front of (or, made, right after) its n-th
// call: from there on nothing reaches AWS any more.
func crash(n int, made bool) func(call) (any, error) {
	var mu sync.Mutex
	return func(c call) (any, error) {
		mu.Lock()
		n--
		left := n
		mu.Unlock()
		if left > 0 || left == 0 && made {
			return c.real()
		}
		return nil, errDown
	}
}

// refuse lets SQS refuse the entries of c whose bodies contain part. SQS fails
// an entry of its own fault, so it is worth sending again.
func refuse(c call, part string) (any, error) {
	in := c.input.(*sqs.SendMessageBatchInput)
	entries := in.Entries
	out := &sqs.SendMessageBatchOutput{}
	in.Entries = nil
	code := "InternalError"
	for _, e := range entries {
		if strings.Contains(*e.MessageBody, part) {
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: &code})
		} else {
			in.Entries = append(in.Entries, e)
		}
	}
	if len(in.Entries) == 0 {
		return out, nil
	}
	result, err := c.real()
	if err != nil {
		return nil, err
	}
	accepted := result.(*sqs.SendMessageBatchOutput)
	accepted.Failed = append(accepted.Failed, out.Failed...)
	return accepted, nil
}
