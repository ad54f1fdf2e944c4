// Package apikeydb stores API keys in DynamoDB.
package apikeydb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/auth/apikey"
	"webhooks/shared/aws/dynamo"
)

// DynamoDB is the part of the SDK's client that a Store calls.
type DynamoDB interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

// Store is the table of API keys. It is safe for concurrent use.
type Store struct {
	client DynamoDB
	table  string
}

// New returns the store whose rows are in table.
func New(client DynamoDB, table string) *Store { return &Store{client: client, table: table} }

// Get returns a key, or [apikey.ErrNotFound]. The read is strongly consistent:
// API Gateway would cache the authorizer's response to a stale read of a revoked
// key.
func (s *Store) Get(ctx context.Context, id string) (apikey.Key, error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &s.table,
		Key:            primaryKey(id),
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return apikey.Key{}, failed(err, "get API key "+id)
	}
	if len(out.Item) == 0 {
		return apikey.Key{}, fmt.Errorf("get API key %s: %w", id, apikey.ErrNotFound)
	}
	return decode(out.Item)
}

// Create stores a new key. It fails if the id exists.
func (s *Store) Create(ctx context.Context, key apikey.Key) error {
	absent, err := expression.NewBuilder().WithCondition(expression.Name(idName).AttributeNotExists()).Build()
	if err != nil {
		return fmt.Errorf("build the condition for a new API key: %w", err)
	}
	attributes, err := encode(key)
	if err != nil {
		return err
	}
	_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                &s.table,
		Item:                     attributes,
		ConditionExpression:      absent.Condition(),
		ExpressionAttributeNames: absent.Names(),
	})
	return failed(err, "create API key "+key.ID)
}

// List returns the keys of a tenant in the order of their ids. A key created a
// moment ago may be missing, because the index is eventually consistent.
func (s *Store) List(ctx context.Context, tenantID string) ([]apikey.Key, error) {
	tenant, err := expression.NewBuilder().WithKeyCondition(expression.Key(tenantName).Equal(expression.Value(tenantID))).Build()
	if err != nil {
		return nil, fmt.Errorf("build the query for API keys: %w", err)
	}
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{
		TableName:                 &s.table,
		IndexName:                 aws.String(tenantIndex),
		KeyConditionExpression:    tenant.KeyCondition(),
		ExpressionAttributeNames:  tenant.Names(),
		ExpressionAttributeValues: tenant.Values(),
	})
	var keys []apikey.Key
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failed(err, "list the API keys of tenant "+tenantID)
		}
		for _, attributes := range page.Items {
			key, err := decode(attributes)
			if err != nil {
				return nil, err
			}
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// Expire sets the expiry of a key and returns the key, or [apikey.ErrNotFound].
func (s *Store) Expire(ctx context.Context, id string, expires, now time.Time) (apikey.Key, error) {
	e, err := expression.NewBuilder().
		WithCondition(expression.Name(idName).AttributeExists()).
		WithUpdate(expression.
			Set(expression.Name(expiresName), expression.Value(expires.Unix())).
			Set(expression.Name(changedName), expression.Value(now.Unix()))).
		Build()
	if err != nil {
		return apikey.Key{}, fmt.Errorf("build the update of an API key: %w", err)
	}
	out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &s.table,
		Key:                       primaryKey(id),
		ConditionExpression:       e.Condition(),
		UpdateExpression:          e.Update(),
		ExpressionAttributeNames:  e.Names(),
		ExpressionAttributeValues: e.Values(),
		ReturnValues:              types.ReturnValueAllNew,
	})
	if err != nil {
		return apikey.Key{}, missing(err, "expire API key "+id)
	}
	return decode(out.Attributes)
}

// Revoke deletes a key and returns it, or [apikey.ErrNotFound]. It deletes the row
// instead of marking it, so that no later change can restore the key.
func (s *Store) Revoke(ctx context.Context, id string) (apikey.Key, error) {
	out, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:    &s.table,
		Key:          primaryKey(id),
		ReturnValues: types.ReturnValueAllOld,
	})
	if err != nil {
		return apikey.Key{}, failed(err, "revoke API key "+id)
	}
	if len(out.Attributes) == 0 {
		return apikey.Key{}, fmt.Errorf("revoke API key %s: %w", id, apikey.ErrNotFound)
	}
	return decode(out.Attributes)
}

// missing returns the error of a conditional write, whose failed condition means
// [apikey.ErrNotFound].
func missing(err error, what string) error {
	var absent *types.ConditionalCheckFailedException
	if errors.As(err, &absent) {
		return fmt.Errorf("%s: %w", what, apikey.ErrNotFound)
	}
	return failed(err, what)
}

// failed adds the failed operation to err, and the reason TemporarilyUnavailable if
// DynamoDB is overloaded. It returns nil for a nil err.
func failed(err error, what string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, dynamo.Classify(err))
}
