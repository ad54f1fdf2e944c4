package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
)

// MaxWrites is the limit of BatchWriteItem:
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
const MaxWrites = 25

var errUnwritten = errors.New("DynamoDB left writes of a batch undone")

// Writer is the part of DynamoDB that [Write] calls.
type Writer interface {
	BatchWriteItem(context.Context, *dynamodb.BatchWriteItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error)
}

// Write does at most MaxWrites writes of distinct keys of table, what DynamoDB
// leaves undone again after a pause. It returns those that were not done, and
// why; the error has reason TemporarilyUnavailable where DynamoDB is overloaded.
func Write(ctx context.Context, api Writer, pause Pause, table string, requests []types.WriteRequest) (left []types.WriteRequest, err error) {
	for n := 0; ; n++ {
		out, err := api.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{table: requests},
		})
		if err != nil {
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
