package attemptlogdb

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/attemptlog"
)

const (
	// maxBatch is the most that one BatchWriteItem takes.
	maxBatch = 25
	// maxTries bounds how often unprocessed writes are sent: with [Backoff] about
	// a second in all. Then they are the caller's, which queues them: a function
	// must not sit on a throttled table.
	maxTries = 6
)

var errUnprocessed = errors.New("DynamoDB left writes unprocessed")

// writeBatch puts at most maxBatch logs and returns those that could not be
// put.
func (s *Store) writeBatch(ctx context.Context, logs []attemptlog.Log) (unwritten []attemptlog.Log, err error) {
	requests := make([]types.WriteRequest, 0, len(logs))
	for _, log := range logs {
		attributes, err := encode(log, s.retention)
		if err != nil {
			return logs, err
		}
		requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: attributes}})
	}
	for n := 0; ; n++ {
		out, err := s.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{s.table: requests},
		})
		if err != nil {
			return remaining(logs, requests), fmt.Errorf("write %d logs: %w", len(requests), classify(err))
		}
		if requests = out.UnprocessedItems[s.table]; len(requests) == 0 {
			return nil, nil
		}
		if n+1 == maxTries {
			return remaining(logs, requests), fmt.Errorf("write %d logs in %d tries: %w", len(requests), maxTries, errUnprocessed)
		}
		if err := s.pause(ctx, n); err != nil {
			return remaining(logs, requests), fmt.Errorf("wait before writing %d logs again: %w", len(requests), err)
		}
	}
}

// remaining returns those of logs whose keys requests name.
func remaining(logs []attemptlog.Log, requests []types.WriteRequest) []attemptlog.Log {
	type key struct{ bucket, id string }
	named := make(map[key]bool, len(requests))
	for _, r := range requests {
		named[key{text(r.PutRequest.Item[bucketName]), text(r.PutRequest.Item[idName])}] = true
	}
	var left []attemptlog.Log
	for _, log := range logs {
		k := primaryKey(log.Webhook(), log.ID)
		if named[key{text(k[bucketName]), text(k[idName])}] {
			left = append(left, log)
		}
	}
	return left
}

// text returns a key attribute as text.
func text(value types.AttributeValue) string {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	}
	return ""
}
