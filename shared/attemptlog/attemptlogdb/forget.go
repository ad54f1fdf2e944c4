package attemptlogdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/aws/dynamo"
	"webhooks/shared/webhook"
)

// Forget makes item 0 of a webhook that was deleted at now expire with its last logs.
// Ids of webhooks are not reused, so its log ids are not needed again. If deleted now,
// and not earlier, the webhook gets an item 0 even if it has none: an attempt that is
// under way may still reserve an id.
func (s *Store) Forget(ctx context.Context, key webhook.Key, deletedNow bool, now time.Time) error {
	builder := expression.NewBuilder().WithUpdate(
		expression.Set(expression.Name(ttlName), expression.Value(now.Add(s.retention).Unix())))
	if !deletedNow {
		builder = builder.WithCondition(expression.Name(lastIDName).AttributeExists().And(expression.Name(ttlName).AttributeNotExists()))
	}
	set, err := builder.Build()
	if err != nil {
		return fmt.Errorf("build the expiry of item 0: %w", err)
	}
	_, err = s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &s.table,
		Key:                       counterKey(key),
		UpdateExpression:          set.Update(),
		ConditionExpression:       set.Condition(),
		ExpressionAttributeNames:  set.Names(),
		ExpressionAttributeValues: set.Values(),
	})
	var nothing *types.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &nothing) {
		return fmt.Errorf("let item 0 of webhook %d of tenant %s expire: %w", key.ID, key.TenantID, dynamo.Classify(err))
	}
	return nil
}
