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
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
	"webhooks/shared/aws/dynamo"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/vault"
)

// keyItem is the id of the item that holds a tenant's current data key. It is
// not item 0, which every fan-out reads and every creation changes.
//
// Only writers read it: each webhook's item holds the data key of its own
// secrets. An earlier data key stays in use as long as a webhook has secrets
// under it.
const keyItem = -1

var errDecryptOnly = errors.New("this store's vault only decrypts secrets")

// keyRecord is the item of a tenant's current data key. It is the zero value
// before the tenant has one.
type keyRecord struct {
	DataKey []byte `dynamodbav:"data_key"` // encrypted by KMS
	KMSKey  string `dynamodbav:"kms_key"`  // ARN of the KMS key
}

// currentKey returns the data key for a tenant's new secrets, or nil if they are
// stored as plain text. It makes a data key at the tenant's first write, and at
// the first write after the KMS key was replaced. It returns
// TemporarilyUnavailable when KMS fails.
func (s *Store) currentKey(ctx context.Context, tenant string, now time.Time) (*vault.DataKey, error) {
	switch {
	case s.vault == nil || s.vault.KeyARN() == vault.Off:
		return nil, nil
	case s.vault.KeyARN() == vault.DecryptOnly:
		return nil, errDecryptOnly // otherwise encrypted secrets would become plain text
	}
	var key *vault.DataKey
	err := s.retryConflicts(ctx, apperr.ChangedMeanwhile, func() error {
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
		return keyRecord{}, fmt.Errorf("read the data key of tenant %s: %w", tenant, dynamo.Classify(err))
	}
	var stored keyRecord
	if err := attributevalue.UnmarshalMap(out.Item, &stored); err != nil {
		return keyRecord{}, fmt.Errorf("decode the data key of tenant %s: %w", tenant, err)
	}
	return stored, nil
}

// replaceKey makes key the tenant's current data key unless another writer
// replaced read first. With two data keys, a batch on a cold cache would call KMS
// twice for the tenant.
func (s *Store) replaceKey(ctx context.Context, tenant string, read keyRecord, key *vault.DataKey, now time.Time) error {
	condition := expression.Name(dataKey).AttributeNotExists()
	if read.KMSKey != "" {
		condition = expression.Name(dataKey).Equal(expression.Value(read.DataKey))
	}
	update, err := s.newUpdate(webhook.Key{TenantID: tenant, ID: keyItem},
		expression.Set(expression.Name(dataKey), expression.Value(key.Wrapped())).
			Set(expression.Name(kmsKey), expression.Value(s.vault.KeyARN())).
			Set(expression.Name(createdAt), expression.Value(wholeSeconds(now))),
		condition)
	if err != nil {
		return err
	}
	return s.commit(ctx, []types.TransactWriteItem{{Update: update}}, "write the data key of tenant "+tenant)
}
