package webhookdb

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/aws/dynamo"
	"webhooks/shared/guard"
	"webhooks/shared/webhook"
)

// The attributes of a host's item, which counts the tenant's webhooks that name the
// host. The item changes in the same transaction as the webhook, and is deleted with
// the last webhook. It is not part of item 0, which every fan-out reads.
const (
	hostFormat = "format"
	hostName   = "host"
)

// WithHostLimit limits the webhooks of a tenant that name one host. The default is
// [webhook.MaxPerTenant].
func WithHostLimit(n int) Option { return func(s *Store) { s.perHost = n } }

// hostKey returns the key of a host's item: an id from a hash, below -2^62. If two
// hosts of a tenant ever had the same hash, they would share the limit.
func hostKey(tenant, host string) webhook.Key {
	sum := sha256.Sum256([]byte(host))
	return webhook.Key{TenantID: tenant, ID: -1<<62 - int64(binary.BigEndian.Uint64(sum[:])>>2)}
}

// countHost returns the write that counts a webhook of a host. Its condition fails at
// the limit.
func (s *Store) countHost(tenant, host string) (types.TransactWriteItem, error) {
	webhooks := expression.Name(count)
	update, err := s.newUpdate(hostKey(tenant, host),
		expression.Add(webhooks, expression.Value(1)).
			Set(expression.Name(hostFormat), expression.Value(1)).
			Set(expression.Name(hostName), expression.Value(host)),
		webhooks.AttributeNotExists().Or(webhooks.LessThan(expression.Value(s.perHost))))
	return types.TransactWriteItem{Update: update}, err
}

// uncountHost returns the write that no longer counts a webhook of a host, and none for
// a host that has no item.
func (s *Store) uncountHost(ctx context.Context, tenant, host string) ([]types.TransactWriteItem, error) {
	key := itemKey(hostKey(tenant, host))
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, fmt.Errorf("read a host of tenant %s: %w", tenant, dynamo.Classify(err))
	}
	if len(out.Item) == 0 {
		return nil, nil
	}
	var stored struct {
		Count int `dynamodbav:"count"`
	}
	if err := attributevalue.UnmarshalMap(out.Item, &stored); err != nil {
		return nil, fmt.Errorf("decode a host of tenant %s: %w", tenant, err)
	}
	webhooks := expression.Name(count)
	if stored.Count > 1 {
		update, err := s.newUpdate(hostKey(tenant, host),
			expression.Set(webhooks, webhooks.Minus(expression.Value(1))), webhooks.GreaterThan(expression.Value(1)))
		return []types.TransactWriteItem{{Update: update}}, err
	}
	last, err := s.newDelete(key, webhooks.Equal(expression.Value(stored.Count)))
	return []types.TransactWriteItem{{Delete: last}}, err
}

// moveHost returns the writes for a webhook whose URL changes, first the one that
// fails at the limit.
func (s *Store) moveHost(ctx context.Context, tenant, fromURL, toURL string) ([]types.TransactWriteItem, error) {
	from, to := guard.Host(fromURL), guard.Host(toURL)
	if from == to {
		return nil, nil
	}
	counted, err := s.countHost(tenant, to)
	if err != nil {
		return nil, err
	}
	uncounted, err := s.uncountHost(ctx, tenant, from)
	return append([]types.TransactWriteItem{counted}, uncounted...), err
}

// newDelete returns a conditional delete of one item.
func (s *Store) newDelete(key item, condition expression.ConditionBuilder) (*types.Delete, error) {
	built, err := expression.NewBuilder().WithCondition(condition).Build()
	if err != nil {
		return nil, err
	}
	return &types.Delete{
		TableName:                 &s.table,
		Key:                       key,
		ConditionExpression:       built.Condition(),
		ExpressionAttributeNames:  built.Names(),
		ExpressionAttributeValues: built.Values(),
	}, nil
}
