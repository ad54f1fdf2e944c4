package webhookdb

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
	"webhooks/shared/webhook"
)

// Delete removes a webhook, its entry in the index and its share of the quota.
// The id is not reused. It returns WebhookNotFound, or ChangedMeanwhile when it keeps
// conflicting with other writes of the tenant.
func (s *Store) Delete(ctx context.Context, key webhook.Key) error {
	if key.ID <= tenantItem {
		return apperr.New(apperr.WebhookNotFound)
	}
	writes, err := s.deletion(key)
	if err != nil {
		return err
	}
	return s.retryConflicts(ctx, apperr.ChangedMeanwhile, func() error {
		err := s.commit(ctx, writes, fmt.Sprintf("delete webhook %d", key.ID))
		if conditionFailed(err, 0) {
			return apperr.New(apperr.WebhookNotFound)
		}
		return err
	})
}

// deletion returns the writes that delete a webhook, its own item first.
func (s *Store) deletion(key webhook.Key) ([]types.TransactWriteItem, error) {
	exists, err := expression.NewBuilder().WithCondition(expression.Name(tenantID).AttributeExists()).Build()
	if err != nil {
		return nil, err
	}
	tenant, err := s.removeFromTenant(key)
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
