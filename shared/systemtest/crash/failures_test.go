package crash_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"webhooks/shared/testkit/faulttest"
)

var (
	errEnded = errors.New("the process has ended")
	errLost  = errors.New("the connection broke before the response")
)

// failure is a way in which a call fails.
type failure struct {
	name string
	// applies reports whether a call can fail in this way.
	applies func(faulttest.Call) bool
	// fail returns the result of a failing call.
	fail func(faulttest.Call) (any, error)
	// endsProcess says that the process ends with the call.
	endsProcess bool
	// stride is the distance between two failing calls of a walk; with 0, one fails.
	stride int
	// maxRepeats is how many requests one failure may repeat, and why is the reason.
	maxRepeats int
	why        string
	// only names the one function whose calls fail; with "", calls of all do.
	only string
	// repeatsNoAttemptIn names the function whose failures may repeat no request.
	repeatsNoAttemptIn string
}

// allRequests is the number of requests that a crash may repeat: the five
// deliveries of a walk, and the second attempts of the two that are retried. Copies
// of a third attempt collapse into one row.
const allRequests = 7

const (
	wholeBatch = "all messages of the batch are received again"
	inDoubt    = "the call may have had no effect, so it is repeated"
	notDone    = "an event that is not stored is fanned out again, and a row that is not deleted is sent again"
)

// fewRequests is the number of requests that a failure of fan-out or retrier may repeat:
// the first attempts of two deliveries, or all attempts of a first attempt that waited for
// its slot in the retries table.
const fewRequests = 4

// failures returns every way in which a call fails.
func failures() []failure {
	never := func(err error) func(faulttest.Call) (any, error) {
		return func(faulttest.Call) (any, error) { return nil, err }
	}
	lost := func(err error) func(faulttest.Call) (any, error) {
		return func(c faulttest.Call) (any, error) {
			_, _ = c.Make()
			return nil, err
		}
	}
	return []failure{
		{name: "crash before", applies: every, fail: never(errEnded), endsProcess: true, stride: crashStride, maxRepeats: allRequests, why: wholeBatch},
		{name: "crash after", applies: every, fail: lost(errEnded), endsProcess: true, stride: crashStride, maxRepeats: allRequests, why: wholeBatch},
		{name: "throttled", applies: every, fail: throttle, stride: errorStride, maxRepeats: fewRequests, why: notDone, repeatsNoAttemptIn: dispatcherName},
		{name: "timed out", applies: every, fail: never(context.DeadlineExceeded), stride: errorStride, maxRepeats: fewRequests, why: notDone, repeatsNoAttemptIn: dispatcherName},
		{name: "response lost", applies: writes, fail: lost(errLost), stride: errorStride, maxRepeats: allRequests, why: inDoubt},
		{name: "repeated by the SDK", applies: writes, fail: twice, stride: errorStride, maxRepeats: allRequests, why: inDoubt},
		{name: "transaction conflict", applies: conflicts, fail: conflict, stride: errorStride, maxRepeats: fewRequests, why: notDone, repeatsNoAttemptIn: dispatcherName},
		{name: "one entry unprocessed", applies: batches, fail: leaveOneOut, stride: errorStride, repeatsNoAttemptIn: dispatcherName},
	}
}

func twice(c faulttest.Call) (any, error) {
	_, _ = c.Make()
	return c.Make()
}

func every(faulttest.Call) bool { return true }

// isSQS reports whether c is a call to SQS; every other one is to DynamoDB or KMS.
func isSQS(c faulttest.Call) bool { return strings.Contains(c.Operation, "Message") }

func writes(c faulttest.Call) bool {
	reads := strings.Contains(c.Operation, "Get") || c.Operation == "Query" || c.Operation == "Decrypt"
	return !reads
}

// conflicts reports whether a transaction on the same item can make c fail:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling
func conflicts(c faulttest.Call) bool { return writes(c) && !isSQS(c) }

func batches(c faulttest.Call) bool { return strings.Contains(c.Operation, "Batch") }

func throttle(c faulttest.Call) (any, error) {
	if isSQS(c) {
		return nil, &smithy.GenericAPIError{Code: "RequestThrottled", Message: "rate exceeded"}
	}
	return nil, &dynamotypes.ThrottlingException{}
}

func conflict(c faulttest.Call) (any, error) {
	if in, is := c.Input.(*dynamodb.BatchExecuteStatementInput); is {
		// The call succeeds, and each of its statements fails.
		conflicting := dynamotypes.BatchStatementResponse{
			Error: &dynamotypes.BatchStatementError{Code: dynamotypes.BatchStatementErrorCodeEnumTransactionConflict},
		}
		return &dynamodb.BatchExecuteStatementOutput{Responses: slices.Repeat([]dynamotypes.BatchStatementResponse{conflicting}, len(in.Statements))}, nil
	}
	if strings.HasPrefix(c.Operation, "Transact") {
		code := "TransactionConflict"
		return nil, &dynamotypes.TransactionCanceledException{CancellationReasons: []dynamotypes.CancellationReason{{Code: &code}}}
	}
	return nil, &dynamotypes.TransactionConflictException{}
}

// leaveOneOut makes the call without its last entry, and reports that entry as
// unprocessed.
func leaveOneOut(c faulttest.Call) (any, error) {
	switch in := c.Input.(type) {
	case *sqs.SendMessageBatchInput:
		return refuseOne(c, in)
	case *sqs.DeleteMessageBatchInput:
		last := len(in.Entries) - 1
		refused := types.BatchResultErrorEntry{Id: in.Entries[last].Id, Code: aws.String("InternalError")}
		in.Entries = in.Entries[:last]
		result, err := c.Make()
		if out, is := result.(*sqs.DeleteMessageBatchOutput); is && err == nil {
			out.Failed = append(out.Failed, refused)
		}
		return result, err
	case *sqs.ChangeMessageVisibilityBatchInput:
		last := len(in.Entries) - 1
		refused := types.BatchResultErrorEntry{Id: in.Entries[last].Id, Code: aws.String("InternalError")}
		in.Entries = in.Entries[:last]
		result, err := c.Make()
		if out, is := result.(*sqs.ChangeMessageVisibilityBatchOutput); is && err == nil {
			out.Failed = append(out.Failed, refused)
		}
		return result, err
	case *dynamodb.BatchWriteItemInput:
		for table, requests := range in.RequestItems {
			last := len(requests) - 1
			left := map[string][]dynamotypes.WriteRequest{table: requests[last:]}
			if in.RequestItems = map[string][]dynamotypes.WriteRequest{table: requests[:last]}; last == 0 {
				return &dynamodb.BatchWriteItemOutput{UnprocessedItems: left}, nil
			}
			result, err := c.Make()
			if out, is := result.(*dynamodb.BatchWriteItemOutput); is && err == nil {
				out.UnprocessedItems = left
			}
			return result, err
		}
	case *dynamodb.BatchExecuteStatementInput:
		code, last := dynamotypes.BatchStatementErrorCodeEnumThrottlingError, len(in.Statements)-1
		refused := dynamotypes.BatchStatementResponse{Error: &dynamotypes.BatchStatementError{Code: code}}
		if in.Statements = in.Statements[:last]; last == 0 {
			return &dynamodb.BatchExecuteStatementOutput{Responses: []dynamotypes.BatchStatementResponse{refused}}, nil
		}
		result, err := c.Make()
		if out, is := result.(*dynamodb.BatchExecuteStatementOutput); is && err == nil {
			out.Responses = append(out.Responses, refused)
		}
		return result, err
	case *dynamodb.BatchGetItemInput:
		for table, keys := range in.RequestItems {
			left, last := keys, len(keys.Keys)-1
			left.Keys, keys.Keys = keys.Keys[last:], keys.Keys[:last]
			unread := map[string]dynamotypes.KeysAndAttributes{table: left}
			in.RequestItems = maps.Clone(in.RequestItems) // the caller may use its own map again
			if in.RequestItems[table] = keys; last == 0 {
				delete(in.RequestItems, table)
			}
			if len(in.RequestItems) == 0 {
				return &dynamodb.BatchGetItemOutput{UnprocessedKeys: unread}, nil
			}
			result, err := c.Make()
			if out, is := result.(*dynamodb.BatchGetItemOutput); is && err == nil {
				out.UnprocessedKeys = unread
			}
			return result, err
		}
	}
	return nil, errors.New("this test does not know the batch operation " + c.Operation)
}

func refuseOne(c faulttest.Call, in *sqs.SendMessageBatchInput) (any, error) {
	code, last := "InternalError", len(in.Entries)-1
	refused := types.BatchResultErrorEntry{Id: in.Entries[last].Id, Code: &code}
	if in.Entries = in.Entries[:last]; last == 0 {
		return &sqs.SendMessageBatchOutput{Failed: []types.BatchResultErrorEntry{refused}}, nil
	}
	result, err := c.Make()
	if out, is := result.(*sqs.SendMessageBatchOutput); is && err == nil {
		out.Failed = append(out.Failed, refused)
	}
	return result, err
}
