// Package jwksdb stores the identity provider's key set in DynamoDB, as a row of the
// table of API keys, which the authorizer reads anyway.
package jwksdb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/auth/jwks"
)

// prefix begins the row's key_id. No id of an API key has a '#', so no token can
// read the row. The authorizer's role may write only rows with this prefix.
const prefix = "jwks#"

// The attributes that expressions name.
const (
	idName      = "key_id"
	jwksName    = "jwks"
	fetchedName = "fetched"
	triedName   = "tried"
	failedName  = "failed"
)

// item is the row of the record. Times are Unix seconds; 0 or absent means never.
type item struct {
	JWKS    []byte `dynamodbav:"jwks"`
	Fetched int64  `dynamodbav:"fetched"`
	Tried   int64  `dynamodbav:"tried"`
	Failed  int64  `dynamodbav:"failed"` // absent in rows of older releases
}

// DynamoDB is the part of the SDK's client that a Store calls.
type DynamoDB interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
}

// Store holds the key set of one identity provider. It implements [jwks.Store] and
// is safe for concurrent use.
type Store struct {
	client DynamoDB
	table  string
	id     string
}

// New returns the store in table for the key set at url. Each url has its own row,
// so that no identity provider gets the keys of another.
func New(client DynamoDB, table, url string) *Store {
	hash := sha256.Sum256([]byte(url))
	return &Store{client: client, table: table, id: prefix + hex.EncodeToString(hash[:])}
}

func (s *Store) key() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{idName: &types.AttributeValueMemberS{Value: s.id}}
}

// Get returns the record. The read is strongly consistent, so that no instance
// fetches what another has just stored.
func (s *Store) Get(ctx context.Context) (jwks.Record, error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: s.key(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return jwks.Record{}, fmt.Errorf("get the stored key set: %w", err)
	}
	var i item
	if err := attributevalue.UnmarshalMap(out.Item, &i); err != nil {
		return jwks.Record{}, fmt.Errorf("decode the stored key set: %w", err)
	}
	return jwks.Record{JWKS: i.JWKS, FetchedAt: at(i.Fetched), TriedAt: at(i.Tried), FailedAt: at(i.Failed)}, nil
}

func at(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// Claim reports whether the last fetch was not after limit, and then sets its time
// to now. The write is conditional, so only one of two callers gets true.
func (s *Store) Claim(ctx context.Context, limit, now time.Time) (bool, error) {
	return s.update(ctx, "claim a fetch of the key set",
		absentOr(triedName, expression.Name(triedName).LessThanEqual(expression.Value(limit.Unix()))),
		expression.Set(expression.Name(triedName), expression.Value(now.Unix())))
}

// Put stores a set that was fetched at now, unless a newer one is stored.
func (s *Store) Put(ctx context.Context, text []byte, now time.Time) error {
	_, err := s.update(ctx, "put the key set",
		absentOr(fetchedName, expression.Name(fetchedName).LessThan(expression.Value(now.Unix()))),
		expression.
			Set(expression.Name(jwksName), expression.Value(text)).
			Set(expression.Name(fetchedName), expression.Value(now.Unix())))
	return err
}

// Fail stores that the fetch that began at now has failed, unless a later one has.
func (s *Store) Fail(ctx context.Context, now time.Time) error {
	_, err := s.update(ctx, "store that a fetch of the key set failed",
		absentOr(failedName, expression.Name(failedName).LessThan(expression.Value(now.Unix()))),
		expression.Set(expression.Name(failedName), expression.Value(now.Unix())))
	return err
}

func absentOr(name string, condition expression.ConditionBuilder) expression.ConditionBuilder {
	return expression.Name(name).AttributeNotExists().Or(condition)
}

// update changes the row and reports whether the condition held.
func (s *Store) update(ctx context.Context, what string, condition expression.ConditionBuilder, change expression.UpdateBuilder) (bool, error) {
	e, err := expression.NewBuilder().WithCondition(condition).WithUpdate(change).Build()
	if err != nil {
		return false, fmt.Errorf("%s: build the update: %w", what, err)
	}
	_, err = s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &s.table,
		Key:                       s.key(),
		ConditionExpression:       e.Condition(),
		UpdateExpression:          e.Update(),
		ExpressionAttributeNames:  e.Names(),
		ExpressionAttributeValues: e.Values(),
	})
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", what, err)
	}
	return true, nil
}
