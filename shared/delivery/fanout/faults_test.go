package fanout_test

import (
	"errors"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"webhooks/shared/testkit/faulttest"
)

// What a call of the fanout is for.
const (
	look   = "read indexes and known events"
	put    = "put a body"
	store  = "store events"
	single = "store an event alone"
	send   = "send deliveries"
	letter = "send dead letters"
)

var errDown = errors.New("down")

// call is one AWS call and what it is for.
type call struct {
	faulttest.Call
	what string
}

// faults is [faulttest.Faults] with the names of this package's calls.
type faults struct {
	faulttest.Faults
	names map[string]string // what a queue is for
}

// set makes intercept answer the calls from now on; nil lets them through.
func (f *faults) set(intercept func(call) (any, error)) {
	if intercept == nil {
		f.Set(nil)
		return
	}
	f.Set(func(c faulttest.Call) (any, error) { return intercept(call{c, f.what(c.Input)}) })
}

func (f *faults) what(input any) string {
	switch in := input.(type) {
	case *dynamodb.BatchGetItemInput:
		return look
	case *dynamodb.BatchExecuteStatementInput:
		return store
	case *dynamodb.PutItemInput:
		name, _ := in.Item["event"].(*dynamotypes.AttributeValueMemberS)
		if strings.Count(name.Value, "#") == 2 {
			return put
		}
		return single
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
		out, err := c.Make()
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
			return c.Make()
		}
		return nil, errDown
	}
}

// refuse lets SQS refuse the entries of c whose bodies contain part. SQS fails
// an entry of its own fault, so it is worth sending again.
func refuse(c call, part string) (any, error) {
	in := c.Input.(*sqs.SendMessageBatchInput)
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
	result, err := c.Make()
	if err != nil {
		return nil, err
	}
	accepted := result.(*sqs.SendMessageBatchOutput)
	accepted.Failed = append(accepted.Failed, out.Failed...)
	return accepted, nil
}
