package webhookdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"webhooks/shared/apperr"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/vault"
)

// keyItem is the id of the item with a tenant's current data key. It is not in
// item 0, which every fan-out reads and every creation changes.
//
// Writers alone read it: each webhook carries the data key of its own secrets,
// so a delivery needs nothing else, and an old generation is used for as long
// as something is sealed under it.
const keyItem = -1

var errDecryptOnly = errors.New("this store's vault only opens secrets")

// keyRecord is that item. The zero value is a tenant without one.
type keyRecord struct {
	DataKey []byte `dynamodbav:"data_key"` // encrypted by KMS
	KMSKey  string `dynamodbav:"kms_key"`  // the ARN of the key that did it
}

// currentKey returns the data key that the tenant's secrets are sealed under
// from now on, or nil when they are not to be encrypted. The first write of a
// tenant makes it, and the first one after the KMS key was replaced makes the
// next generation. It returns TemporarilyUnavailable when KMS fails.
func (s *Store) currentKey(ctx context.Context, tenant string, now time.Time) (*vault.DataKey, error) {
	switch {
	case s.vault == nil || s.vault.KeyARN() == vault.Off:
		return nil, nil
	case s.vault.KeyARN() == vault.DecryptOnly:
		return nil, errDecryptOnly // it must not store in the clear what was encrypted
	}
	var key *vault.DataKey
	err := s.again(ctx, apperr.TemporarilyUnavailable, func() error {
		stored, err := s.readKey(ctx, tenant)
		if err != nil {
			return err
		}
		if stored.KMSKey == s.vault.KeyARN() {
			key, err = s.vault.DataKey(ctx, tenant, stored.DataKey)
			return err
		}
		if key, err = s.vault.NewDataKey(ctx, tenant); err != nil {
			return err
		}
		return s.replaceKey(ctx, tenant, stored, key, now)
	})
	if err != nil {
		return nil, err
	}
	return key, nil
}

func (s *Store) readKey(ctx context.Context, tenant string) (keyRecord, error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &s.table,
		Key:            itemKey(webhook.Key{TenantID: tenant, ID: keyItem}),
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return keyRecord{}, failed(err, "read the data key of tenant "+tenant)
	}
	var stored keyRecord
	if err := attributevalue.UnmarshalMap(out.Item, &stored); err != nil {
		return keyRecord{}, fmt.Errorf("decode the data key of tenant %s: %w", tenant, err)
	}
	return stored, nil
}

// replaceKey makes key the tenant's current one if no other writer replaced
// what was read meanwhile: two generations at once would be two calls of KMS
// for every cold batch.
func (s *Store) replaceKey(ctx context.Context, tenant string, read keyRecord, key *vault.DataKey, now time.Time) error {
	const kmsKey = "kms_key"
	condition := expression.Name(dataKey).AttributeNotExists()
	if read.KMSKey != "" {
		condition = expression.Name(dataKey).Equal(expression.Value(read.DataKey))
	}
	update, err := s.update(webhook.Key{TenantID: tenant, ID: keyItem},
		expression.Set(expression.Name(dataKey), expression.Value(key.Wrapped())).
			Set(expression.Name(kmsKey), expression.Value(s.vault.KeyARN())).
			Set(expression.Name(createdAt), expression.Value(wholeSeconds(now))),
		condition)
	if err != nil {
		return err
	}
	_, err = s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 update.TableName,
		Key:                       update.Key,
		UpdateExpression:          update.UpdateExpression,
		ConditionExpression:       update.ConditionExpression,
		ExpressionAttributeNames:  update.ExpressionAttributeNames,
		ExpressionAttributeValues: update.ExpressionAttributeValues,
	})
	if err != nil {
		return failed(err, "write the data key of tenant "+tenant)
	}
	return nil
}
