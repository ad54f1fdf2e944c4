package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"webhooks/shared/apperr"
)

// MaxWrites is the limit of BatchWriteItem:
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
const MaxWrites = 25

// MaxStatements is the limit of BatchExecuteStatement:
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html
const MaxStatements = 25

var errUnwritten = errors.New("DynamoDB left writes of a batch unprocessed")

// BatchWriter is the part of the SDK's client that [BatchWrite] calls.
type BatchWriter interface {
	BatchWriteItem(context.Context, *dynamodb.BatchWriteItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error)
}

// BatchWrite makes up to MaxWrites writes to distinct keys of table. It repeats
// the writes that DynamoDB leaves unprocessed, up to eight times in all. It
// returns the writes that were not made and the error, whose reason is
// TemporarilyUnavailable when DynamoDB is overloaded.
//
// DynamoDB refuses a whole request for one invalid item. BatchWrite then makes each
// write in a request of its own, so that such an item fails alone.
func BatchWrite(ctx context.Context, client BatchWriter, pause Pause, table string, requests []types.WriteRequest) (left []types.WriteRequest, err error) {
	for n := 0; ; n++ {
		out, err := client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{table: requests},
		})
		if err != nil {
			if len(requests) > 1 && invalid(err) {
				return writeEach(ctx, client, pause, table, requests)
			}
			return requests, Classify(err)
		}
		if requests = out.UnprocessedItems[table]; len(requests) == 0 {
			return nil, nil
		}
		if n+1 == maxTries {
			return requests, apperr.Wrap(fmt.Errorf("gave up after %d tries: %w", maxTries, errUnwritten), apperr.TemporarilyUnavailable)
		}
		if err := pause(ctx, n); err != nil {
			return requests, apperr.Wrap(errors.Join(errUnwritten, err), apperr.TemporarilyUnavailable)
		}
	}
}

// writeEach makes each write in a request of its own.
func writeEach(ctx context.Context, client BatchWriter, pause Pause, table string, requests []types.WriteRequest) (left []types.WriteRequest, err error) {
	for i := range requests {
		unwritten, failure := BatchWrite(ctx, client, pause, table, requests[i:i+1])
		left, err = append(left, unwritten...), errors.Join(err, failure)
	}
	return left, err
}

// invalid reports whether DynamoDB refused a request for what it contains:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
func invalid(err error) bool {
	var answered smithy.APIError
	return errors.As(err, &answered) && answered.ErrorCode() == "ValidationException"
}
