package attemptlogdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/attemptlog"
)

const (
	// maxBatch is the most that one BatchWriteItem takes.
	maxBatch = 25
	// maxTries bounds how often unprocessed writes are sent: with the waits of
	// backoff about two seconds in all. Then they are the caller's, which queues
	// them: a function must not sit on a throttled table.
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
	for try := 1; ; try++ {
		out, err := s.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{s.table: requests},
		})
		if err != nil {
			return remaining(logs, requests), fmt.Errorf("write %d logs: %w", len(requests), classify(err))
		}
		if requests = out.UnprocessedItems[s.table]; len(requests) == 0 {
			return nil, nil
		}
		if try == maxTries {
			return remaining(logs, requests), fmt.Errorf("write %d logs in %d tries: %w", len(requests), try, errUnprocessed)
		}
		if err := s.Wait(ctx, backoff(try, s.Jitter())); err != nil {
			return remaining(logs, requests), fmt.Errorf("wait before writing %d logs again: %w", len(requests), err)
		}
	}
}

// backoff returns how long to wait after the given try (from 1): at most 50 ms,
// then twice as much each time, of which jitter in [0,1) chooses the upper half.
func backoff(try int, jitter float64) time.Duration {
	most := 50 * time.Millisecond << (try - 1)
	return most/2 + time.Duration(jitter*float64(most/2))
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
