package crash_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"webhooks/shared/testkit/faulttest"
)

var (
	errDead = errors.New("the process has ended")
	errLost = errors.New("the connection broke before the answer came")
)

// kind is a manner of failure.
type kind struct {
	name string
	// applies tells which calls can fail so.
	applies func(faulttest.Call) bool
	// strike answers the call that fails.
	strike func(faulttest.Call) (any, error)
	// dies says that the process ends with it.
	dies bool
	// apart is how far apart the calls are that fail in one walk; 0: one fails.
	apart int
	// again is how many requests beyond the necessary ones a failure may lead to
	// at most, and why is the reason.
	again int
	why   string
	// only is the one function that fails; "": all do.
	only string
	// notAgain is the function whose failures lead to none.
	notAgain string
}

// mostAgain is the five deliveries of the walk and the second attempts of the
// two that go on: the copies of the third collapse into one row.
const mostAgain = 7

const (
	wholeBatch = "all messages of the batch are received again"
	inDoubt    = "whether it was done cannot be known, so it is done again"
	notDone    = "an event that is not stored is fanned out again, and a row that is not deleted is sent again"
)

// kinds are all manners of failure.
func kinds() []kind {
	never := func(err error) func(faulttest.Call) (any, error) {
		return func(faulttest.Call) (any, error) { return nil, err }
	}
	lost := func(err error) func(faulttest.Call) (any, error) {
		return func(c faulttest.Call) (any, error) {
			_, _ = c.Make()
			return nil, err
		}
	}
	return []kind{
		{name: "crash before", applies: every, strike: never(errDead), dies: true, apart: farApart, again: mostAgain, why: wholeBatch},
		{name: "crash after", applies: every, strike: lost(errDead), dies: true, apart: farApart, again: mostAgain, why: wholeBatch},
		{name: "throttled", applies: every, strike: throttle, apart: apart, again: 2, why: notDone, notAgain: dispatcherName},
		{name: "timed out", applies: every, strike: never(context.DeadlineExceeded), apart: apart, again: 2, why: notDone, notAgain: dispatcherName},
		{name: "answer lost", applies: writes, strike: lost(errLost), again: mostAgain, why: inDoubt},
		{name: "asked twice by the SDK", applies: writes, strike: twice, again: mostAgain, why: inDoubt},
		{name: "transaction conflict", applies: conflicts, strike: conflict, again: 2, why: notDone, notAgain: dispatcherName},
		{name: "one left out", applies: batches, strike: leaveOneOut},
	}
}

func twice(c faulttest.Call) (any, error) {
	_, _ = c.Make()
	return c.Make()
}

func every(faulttest.Call) bool { return true }

func isSQS(c faulttest.Call) bool { return strings.HasPrefix(c.Operation, "SendMessage") }

func writes(c faulttest.Call) bool {
	reads := strings.Contains(c.Operation, "Get") || c.Operation == "Query" || c.Operation == "Decrypt"
	return !reads
}

// conflicts are the calls that a transaction under way on the same item fails:
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
		// Each statement has its own: the call succeeds.
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

// leaveOneOut makes the call without one of its entries, and answers that AWS
// did not get to it.
func leaveOneOut(c faulttest.Call) (any, error) {
	switch in := c.Input.(type) {
	case *sqs.SendMessageBatchInput:
		return refuseOne(c, in)
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
			in.RequestItems = maps.Clone(in.RequestItems) // the caller may ask again with its own
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
	return nil, errors.New("a batch of a kind that this test does not know: " + c.Operation)
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
