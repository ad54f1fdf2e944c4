package webhookdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
	"webhooks/shared/webhook"
)

// MarkTested notes that a webhook is tested at now. It returns TestedTooOften,
// with the time to wait, within interval of the last test, and WebhookNotFound.
func (s *Store) MarkTested(ctx context.Context, key webhook.Key, interval time.Duration, now time.Time) error {
	if key.ID <= tenantItem {
		return apperr.New(apperr.WebhookNotFound)
	}
	name := expression.Name(testedAt) // unix milliseconds
	update, err := s.update(key,
		expression.Set(name, expression.Value(now.UnixMilli())),
		expression.Name(tenantID).AttributeExists().And(
			name.AttributeNotExists().Or(name.LessThanEqual(expression.Value(now.Add(-interval).UnixMilli())))))
	if err != nil {
		return err
	}
	return s.again(ctx, apperr.TemporarilyUnavailable, func() error {
		_, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName:                           update.TableName,
			Key:                                 update.Key,
			UpdateExpression:                    update.UpdateExpression,
			ConditionExpression:                 update.ConditionExpression,
			ExpressionAttributeNames:            update.ExpressionAttributeNames,
			ExpressionAttributeValues:           update.ExpressionAttributeValues,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		var refused *types.ConditionalCheckFailedException
		if errors.As(err, &refused) {
			return tooOften(refused.Item, interval, now)
		}
		if err != nil {
			return failed(err, fmt.Sprintf("mark webhook %d as tested", key.ID))
		}
		return nil
	})
}

// tooOften says how long the owner of a stored webhook has to wait.
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
	// Another function's clock may be ahead of ours; nobody waits longer for it.
	wait := min(time.UnixMilli(last.TestedAt).Add(interval).Sub(now), interval)
	wait = max(wait.Round(0), time.Second)
	seconds := int((wait + time.Second - 1) / time.Second)
	refused := apperr.New(apperr.TestedTooOften, seconds)
	refused.RetryAfter = time.Duration(seconds) * time.Second
	return refused
}
