package attemptlogdb

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/dynamo"
)

// writeBatch puts at most [dynamo.MaxWrites] logs and returns those that it could
// not put.
func (s *Store) writeBatch(ctx context.Context, logs []attemptlog.Log) (unwritten []attemptlog.Log, err error) {
	requests := make([]types.WriteRequest, 0, len(logs))
	for _, log := range logs {
		attributes, err := encode(log, s.retention)
		if err != nil {
			return logs, err
		}
		requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: attributes}})
	}
	left, err := dynamo.BatchWrite(ctx, s.client, s.pause, s.table, requests)
	if err != nil {
		return remaining(logs, left), fmt.Errorf("write %d logs: %w", len(left), err)
	}
	return nil, nil
}

// remaining returns the logs that requests would put.
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

// text returns the value of a key attribute as text.
func text(value types.AttributeValue) string {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	}
	return ""
}
