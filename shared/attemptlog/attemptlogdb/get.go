package attemptlogdb

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"webhooks/shared/apperr"
	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/dynamo"
	"webhooks/shared/webhook"
)

// Get returns log id of a webhook. The error is LogNotFound if the log does not
// exist or has expired at now, and TemporarilyUnavailable if DynamoDB throttles.
func (s *Store) Get(ctx context.Context, key webhook.Key, id int64, now time.Time) (attemptlog.Log, error) {
	if id < 1 { // item 0 is not a log
		return attemptlog.Log{}, apperr.New(apperr.LogNotFound)
	}
	output, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.table, Key: primaryKey(key, id), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return attemptlog.Log{}, dynamo.Classify(fmt.Errorf("get log %d of webhook %d: %w", id, key.ID, err))
	}
	if output.Item == nil {
		return attemptlog.Log{}, apperr.New(apperr.LogNotFound)
	}
	log, err := decode(key, output.Item)
	if err != nil {
		return attemptlog.Log{}, err
	}
	if !log.ExpiresAt(s.retention).After(now) {
		return attemptlog.Log{}, apperr.New(apperr.LogNotFound)
	}
	return log, nil
}
