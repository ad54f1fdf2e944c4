package webhookdb

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"webhooks/shared/apperr"
	"webhooks/shared/aws/dynamo"
	"webhooks/shared/webhook"
)

// Get returns a webhook without its secrets, or WebhookNotFound.
func (s *Store) Get(ctx context.Context, key webhook.Key) (webhook.Webhook, error) {
	r, err := s.read(ctx, key)
	if err != nil {
		return webhook.Webhook{}, err
	}
	return r.webhook(), nil
}

// GetWithSecrets returns a webhook with the secrets that sign at now. It returns
// WebhookNotFound, or TemporarilyUnavailable when KMS fails.
func (s *Store) GetWithSecrets(ctx context.Context, key webhook.Key, now time.Time) (webhook.Webhook, error) {
	r, err := s.read(ctx, key)
	if err != nil {
		return webhook.Webhook{}, err
	}
	return s.openSecrets(ctx, r, now)
}

// read returns the record of a webhook, or WebhookNotFound.
func (s *Store) read(ctx context.Context, key webhook.Key) (record, error) {
	if key.ID <= tenantItem {
		return record{}, apperr.New(apperr.WebhookNotFound)
	}
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &s.table,
		Key:            itemKey(key),
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return record{}, fmt.Errorf("read webhook %d: %w", key.ID, dynamo.Classify(err))
	}
	if len(out.Item) == 0 {
		return record{}, apperr.New(apperr.WebhookNotFound)
	}
	return decodeRecord(out.Item)
}

// listPage is the number of webhooks of a page of List. A webhook of 3 KB costs a
// page 37 read units; one Query of the whole list could take the partition's reads
// of a moment from the fan-out, which reads item 0 of the same tenant.
const listPage = 100

// List returns all webhooks of a tenant, without their secrets, by ascending id.
//
// It reads the newest 100 webhooks strongly consistently, so a webhook that was just
// created is always in the list. The older webhooks of a tenant with more than 100
// are read eventually consistently, which costs half. DynamoDB shows a change of one
// of those within a second.
func (s *Store) List(ctx context.Context, tenant string) ([]webhook.Webhook, error) {
	built, err := expression.NewBuilder().WithKeyCondition(
		expression.Key(tenantID).Equal(expression.Value(tenant)).
			And(expression.Key(webhookID).GreaterThan(expression.Value(tenantItem)))).Build()
	if err != nil {
		return nil, err
	}
	query := &dynamodb.QueryInput{
		TableName:                 &s.table,
		Limit:                     aws.Int32(listPage),
		ScanIndexForward:          aws.Bool(false),
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    built.KeyCondition(),
		ExpressionAttributeNames:  built.Names(),
		ExpressionAttributeValues: built.Values(),
	}
	var list []webhook.Webhook
	for {
		page, err := s.client.Query(ctx, query)
		if err != nil {
			return nil, fmt.Errorf("list the webhooks of tenant %s: %w", tenant, dynamo.Classify(err))
		}
		for _, stored := range page.Items {
			r, err := decodeRecord(stored)
			if err != nil {
				return nil, err
			}
			list = append(list, r.webhook())
		}
		if len(page.LastEvaluatedKey) == 0 {
			slices.Reverse(list)
			return list, nil
		}
		query.ExclusiveStartKey, query.ConsistentRead = page.LastEvaluatedKey, aws.Bool(false)
	}
}
