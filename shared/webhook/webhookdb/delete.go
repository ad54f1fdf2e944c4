package webhookdb

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
	"webhooks/shared/webhook"
)

// Delete removes a webhook with its place in the quota and in the index. Its id
// is not given again. It returns WebhookNotFound, or TemporarilyUnavailable
// when other writes of the tenant kept coming in between.
func (s *Store) Delete(ctx context.Context, key webhook.Key) error {
	if key.ID <= tenantItem {
		return apperr.New(apperr.WebhookNotFound)
	}
	items, err := s.deletion(key)
	if err != nil {
		return err
	}
	return s.again(ctx, apperr.TemporarilyUnavailable, func() error {
		_, err := s.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: items})
		if refusedBy(err, 0) {
			return apperr.New(apperr.WebhookNotFound)
		}
		if err != nil {
			return failed(err, fmt.Sprintf("delete webhook %d", key.ID))
		}
		return nil
	})
}

func (s *Store) deletion(key webhook.Key) ([]types.TransactWriteItem, error) {
	exists, err := expression.NewBuilder().WithCondition(expression.Name(tenantID).AttributeExists()).Build()
	if err != nil {
		return nil, err
	}
	entry := indexEntry(key.ID)
	tenant, err := s.tenantUpdate(key.TenantID,
		expression.Remove(entry).Set(expression.Name(count), expression.Name(count).Minus(expression.Value(1))),
		entry.AttributeExists())
	if err != nil {
		return nil, err
	}
	return []types.TransactWriteItem{
		{Delete: &types.Delete{
			TableName:                 &s.table,
			Key:                       itemKey(key),
			ConditionExpression:       exists.Condition(),
			ExpressionAttributeNames:  exists.Names(),
			ExpressionAttributeValues: exists.Values(),
		}},
		{Update: tenant},
	}, nil
}
