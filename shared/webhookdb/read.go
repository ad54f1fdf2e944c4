package webhookdb

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"webhooks/shared/apperr"
	"webhooks/shared/webhook"
)

// Get returns a webhook, or WebhookNotFound.
func (s *Store) Get(ctx context.Context, key webhook.Key) (webhook.Webhook, error) {
	if key.ID <= tenantItem {
		return webhook.Webhook{}, apperr.New(apperr.WebhookNotFound)
	}
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &s.table,
		Key:            itemKey(key),
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return webhook.Webhook{}, failed(err, fmt.Sprintf("read webhook %d", key.ID))
	}
	if len(out.Item) == 0 {
		return webhook.Webhook{}, apperr.New(apperr.WebhookNotFound)
	}
	return decodeWebhook(out.Item)
}

// List returns all webhooks of a tenant by ascending id.
func (s *Store) List(ctx context.Context, tenant string) ([]webhook.Webhook, error) {
	built, err := expression.NewBuilder().WithKeyCondition(
		expression.Key(tenantID).Equal(expression.Value(tenant)).
			And(expression.Key(webhookID).GreaterThan(expression.Value(tenantItem)))).Build()
	if err != nil {
		return nil, err
	}
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{
		TableName:                 &s.table,
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    built.KeyCondition(),
		ExpressionAttributeNames:  built.Names(),
		ExpressionAttributeValues: built.Values(),
	})
	var list []webhook.Webhook
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failed(err, "list the webhooks of tenant "+tenant)
		}
		for _, stored := range page.Items {
			w, err := decodeWebhook(stored)
			if err != nil {
				return nil, err
			}
			list = append(list, w)
		}
	}
	return list, nil
}
