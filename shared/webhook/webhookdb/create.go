package webhookdb

import (
	"context"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/vault"
)

// Create stores w as the tenant's next webhook and returns it with its id, its
// times and revision 1. Ids are dense and never given again. It returns
// TooManyWebhooks at the limit, and TemporarilyUnavailable when other writes of
// the tenant kept coming in between or the vault cannot seal its secret now.
//
// One call creates one webhook even when an answer of DynamoDB is lost: the SDK
// gives the transaction a token and repeats it under the same one.
func (s *Store) Create(ctx context.Context, w webhook.Webhook, now time.Time) (webhook.Webhook, error) {
	w.CreatedAt = wholeSeconds(now)
	w.UpdatedAt = w.CreatedAt
	w.Revision = 1
	sealing, err := s.currentKey(ctx, w.TenantID, now)
	if err != nil {
		return webhook.Webhook{}, err
	}
	err = s.again(ctx, apperr.TemporarilyUnavailable, func() error {
		tenant, err := s.tenant(ctx, w.TenantID)
		if err != nil {
			return err
		}
		if tenant.Count >= webhook.MaxPerTenant {
			return apperr.New(apperr.TooManyWebhooks, webhook.MaxPerTenant)
		}
		w.ID = tenant.LastID + 1
		return s.create(ctx, w, sealing)
	})
	if err != nil {
		return webhook.Webhook{}, err
	}
	return w, nil
}

// tenant reads item 0. A tenant without one gives the zero record.
func (s *Store) tenant(ctx context.Context, id string) (tenantRecord, error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &s.table,
		Key:            itemKey(webhook.Key{TenantID: id, ID: tenantItem}),
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return tenantRecord{}, failed(err, "read item 0 of tenant "+id)
	}
	return decodeTenant(out.Item)
}

func (s *Store) create(ctx context.Context, w webhook.Webhook, sealing *vault.DataKey) error {
	tenantUpdate, err := s.addToTenant(w)
	if err != nil {
		return err
	}
	put, err := s.putNew(seal(w, sealing))
	if err != nil {
		return err
	}
	_, err = s.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
		TransactItems: []types.TransactWriteItem{{Update: tenantUpdate}, {Put: put}},
	})
	if err != nil {
		return failed(err, "create webhook "+strconv.FormatInt(w.ID, 10))
	}
	return nil
}

// addToTenant is the part of item 0: the id, the quota and the index.
func (s *Store) addToTenant(w webhook.Webhook) (*types.Update, error) {
	if w.ID == 1 {
		// There is no item yet, so no map an entry could be set in.
		return s.tenantUpdate(w.TenantID,
			expression.Set(expression.Name(lastID), expression.Value(w.ID)).
				Set(expression.Name(count), expression.Value(1)).
				Set(expression.Name(index), expression.Value(map[string]webhook.Mask{"1": w.Mask()})),
			expression.Name(tenantID).AttributeNotExists())
	}
	return s.tenantUpdate(w.TenantID,
		expression.Set(expression.Name(lastID), expression.Value(w.ID)).
			Set(expression.Name(count), expression.Name(count).Plus(expression.Value(1))).
			Set(indexEntry(w.ID), expression.Value(w.Mask())),
		expression.Name(lastID).Equal(expression.Value(w.ID-1)).
			And(expression.Name(count).LessThan(expression.Value(webhook.MaxPerTenant))))
}

// indexEntry names the mask of a webhook in item 0.
func indexEntry(id int64) expression.NameBuilder {
	return expression.Name(index).AppendName(expression.Name(strconv.FormatInt(id, 10)))
}

func (s *Store) tenantUpdate(tenant string, update expression.UpdateBuilder, condition expression.ConditionBuilder) (*types.Update, error) {
	return s.update(webhook.Key{TenantID: tenant, ID: tenantItem}, update, condition)
}

func (s *Store) update(key webhook.Key, update expression.UpdateBuilder, condition expression.ConditionBuilder) (*types.Update, error) {
	built, err := expression.NewBuilder().WithUpdate(update).WithCondition(condition).Build()
	if err != nil {
		return nil, err
	}
	return &types.Update{
		TableName:                 &s.table,
		Key:                       itemKey(key),
		UpdateExpression:          built.Update(),
		ConditionExpression:       built.Condition(),
		ExpressionAttributeNames:  built.Names(),
		ExpressionAttributeValues: built.Values(),
	}, nil
}

func (s *Store) putNew(r record) (*types.Put, error) {
	encoded, err := r.encode()
	if err != nil {
		return nil, err
	}
	condition, err := expression.NewBuilder().WithCondition(expression.Name(tenantID).AttributeNotExists()).Build()
	if err != nil {
		return nil, err
	}
	return &types.Put{
		TableName:                 &s.table,
		Item:                      encoded,
		ConditionExpression:       condition.Condition(),
		ExpressionAttributeNames:  condition.Names(),
		ExpressionAttributeValues: condition.Values(),
	}, nil
}
