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

// The purposes of the AWS calls.
const (
	read   = "read indexes and hashes"
	put    = "put a body"
	store  = "store events"
	single = "store a single event"
	send   = "send deliveries"
	letter = "send dead letters"
)

var errDown = errors.New("down")

// call is one AWS call and its purpose.
type call struct {
	faulttest.Call
	purpose string
}

// faults is [faulttest.Faults] that knows the purpose of each call.
type faults struct {
	faulttest.Faults
	purposes map[string]string // of queues, by URL
}

// set makes intercept handle all calls from now on. nil makes the calls.
func (f *faults) set(intercept func(call) (any, error)) {
	if intercept == nil {
		f.Set(nil)
		return
	}
	f.Set(func(c faulttest.Call) (any, error) { return intercept(call{c, f.purpose(c.Input)}) })
}

func (f *faults) purpose(input any) string {
	switch in := input.(type) {
	case *dynamodb.BatchGetItemInput:
		return read
	case *dynamodb.BatchExecuteStatementInput:
		return store
	case *dynamodb.PutItemInput:
		name, _ := in.Item["event"].(*dynamotypes.AttributeValueMemberS)
		if strings.Count(name.Value, "#") == 2 {
			return put
		}
		return single
	case *sqs.SendMessageBatchInput:
		return f.purposes[*in.QueueUrl]
	}
	return "an unknown call"
}

// fail fails the n-th call (from 1) with the given purpose. If lost, the call is
// made and only its response is lost.
func fail(purpose string, n int, lost bool) func(call) (any, error) {
	var mu sync.Mutex
	return func(c call) (any, error) {
		mu.Lock()
		if c.purpose == purpose {
			n--
		}
		hit := c.purpose == purpose && n == 0
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

// crash ends the process before its n-th call or, if made, after it: no later call
// reaches AWS.
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

// refuse makes SQS fail the entries of c whose bodies contain part, with an error
// of SQS that a retry may solve.
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
