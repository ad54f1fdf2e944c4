package webhookdb

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/aws/dynamo"
	"webhooks/shared/webhook"
)

// tenantItem is the id of a tenant's item 0. Webhooks count from 1.
const tenantItem = 0

// tenantRecord is item 0 of a tenant. It is the zero value before the tenant's
// first webhook.
type tenantRecord struct {
	TenantID string                  `dynamodbav:"tenant_id"`
	LastID   int64                   `dynamodbav:"last_id"`
	Count    int                     `dynamodbav:"count"`
	Index    map[string]webhook.Mask `dynamodbav:"index"`
}

func (s *Store) readTenant(ctx context.Context, id string) (tenantRecord, error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &s.table,
		Key:            itemKey(webhook.Key{TenantID: id, ID: tenantItem}),
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return tenantRecord{}, fmt.Errorf("read item 0 of tenant %s: %w", id, dynamo.Classify(err))
	}
	return decodeTenant(out.Item)
}

func decodeTenant(stored item) (tenantRecord, error) {
	var r tenantRecord
	if err := attributevalue.UnmarshalMap(stored, &r); err != nil {
		return tenantRecord{}, fmt.Errorf("decode item 0 of a tenant: %w", err)
	}
	return r, nil
}

// subscriptions returns the index by webhook id.
func (r tenantRecord) subscriptions() (webhook.Index, error) {
	x := make(webhook.Index, len(r.Index))
	for text, mask := range r.Index {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("index of tenant %s: %w", r.TenantID, err)
		}
		x[id] = mask
	}
	return x, nil
}

// entry returns the mask of a webhook in the index.
func (r tenantRecord) entry(id int64) webhook.Mask { return r.Index[strconv.FormatInt(id, 10)] }

// addToTenant counts a new webhook in item 0 and adds it to the index, unless
// another call has taken its id or the tenant is at the limit.
func (s *Store) addToTenant(key webhook.Key, mask webhook.Mask) (*types.Update, error) {
	if key.ID == 1 {
		// Item 0 does not exist yet, so there is no map to add an entry to.
		return s.updateTenant(key.TenantID,
			expression.Set(expression.Name(lastID), expression.Value(key.ID)).
				Set(expression.Name(count), expression.Value(1)).
				Set(expression.Name(index), expression.Value(map[string]webhook.Mask{"1": mask})),
			expression.Name(tenantID).AttributeNotExists())
	}
	return s.updateTenant(key.TenantID,
		expression.Set(expression.Name(lastID), expression.Value(key.ID)).
			Set(expression.Name(count), expression.Name(count).Plus(expression.Value(1))).
			Set(indexEntry(key.ID), expression.Value(mask)),
		expression.Name(lastID).Equal(expression.Value(key.ID-1)).
			And(expression.Name(count).LessThan(expression.Value(webhook.MaxPerTenant))))
}

// updateIndex replaces the mask of a webhook in the index.
func (s *Store) updateIndex(key webhook.Key, mask webhook.Mask) (*types.Update, error) {
	entry := indexEntry(key.ID)
	return s.updateTenant(key.TenantID, expression.Set(entry, expression.Value(mask)), entry.AttributeExists())
}

// removeFromTenant removes a webhook from the count and the index of item 0.
func (s *Store) removeFromTenant(key webhook.Key) (*types.Update, error) {
	entry := indexEntry(key.ID)
	return s.updateTenant(key.TenantID,
		expression.Remove(entry).Set(expression.Name(count), expression.Name(count).Minus(expression.Value(1))),
		entry.AttributeExists())
}

// indexEntry names the mask of a webhook in item 0.
func indexEntry(id int64) expression.NameBuilder {
	return expression.Name(index).AppendName(expression.Name(strconv.FormatInt(id, 10)))
}

func (s *Store) updateTenant(tenant string, set expression.UpdateBuilder, condition expression.ConditionBuilder) (*types.Update, error) {
	return s.newUpdate(webhook.Key{TenantID: tenant, ID: tenantItem}, set, condition)
}
