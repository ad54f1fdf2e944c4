package webhookdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
	"webhooks/shared/aws/dynamo"
	"webhooks/shared/webhook"
)

// MarkTested records that a webhook is tested at now, at most once per interval.
// It returns WebhookNotFound, TestedTooOften with the time to wait if the last test
// was less than interval ago, or TemporarilyUnavailable when it keeps conflicting
// with other writes.
func (s *Store) MarkTested(ctx context.Context, key webhook.Key, interval time.Duration, now time.Time) error {
	if key.ID <= tenantItem {
		return apperr.New(apperr.WebhookNotFound)
	}
	name := expression.Name(testedAt) // unix milliseconds
	update, err := s.newUpdate(key,
		expression.Set(name, expression.Value(now.UnixMilli())),
		expression.Name(tenantID).AttributeExists().And(
			name.AttributeNotExists().Or(name.LessThanEqual(expression.Value(now.Add(-interval).UnixMilli())))))
	if err != nil {
		return err
	}
	update.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	return s.retryConflicts(ctx, apperr.TemporarilyUnavailable, func() error {
		_, err := s.updateItem(ctx, update, types.ReturnValueNone)
		var refused *types.ConditionalCheckFailedException
		if errors.As(err, &refused) {
			return tooOften(refused.Item, interval, now)
		}
		if err != nil {
			return fmt.Errorf("mark webhook %d as tested: %w", key.ID, dynamo.Classify(err))
		}
		return nil
	})
}

// tooOften returns TestedTooOften with the time until stored may be tested
// again, or WebhookNotFound without a stored item.
func tooOften(stored item, interval time.Duration, now time.Time) error {
	if len(stored) == 0 {
		return apperr.New(apperr.WebhookNotFound)
	}
	var last struct {
		TestedAt int64 `dynamodbav:"tested_at"`
	}
	if err := attributevalue.UnmarshalMap(stored, &last); err != nil {
		return fmt.Errorf("decode the time of the last test: %w", err)
	}
	// A clock of another instance that is ahead must not lengthen the wait.
	wait := min(time.UnixMilli(last.TestedAt).Add(interval).Sub(now), interval)
	wait = max(wait.Round(0), time.Second)
	seconds := int((wait + time.Second - 1) / time.Second)
	refused := apperr.New(apperr.TestedTooOften, seconds)
	refused.RetryAfter = time.Duration(seconds) * time.Second
	return refused
}
