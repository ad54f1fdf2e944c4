// Package eventdb stores events in DynamoDB: the hash and the matches of each
// event, and its body, which retries and large deliveries read.
package eventdb

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"maps"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/aws/dynamo"
	"webhooks/shared/event"
)

// DynamoDB is the part of the DynamoDB client that a [Store] calls.
type DynamoDB interface {
	BatchExecuteStatement(context.Context, *dynamodb.BatchExecuteStatementInput, ...func(*dynamodb.Options)) (*dynamodb.BatchExecuteStatementOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Store is the events table.
type Store struct {
	client    DynamoDB
	table     string
	retention time.Duration
	bodies    *dynamo.Packer
}

// New returns the store of table. Events expire after retention; a store that only
// reads may pass 0.
func New(client DynamoDB, table string, retention time.Duration) *Store {
	return &Store{client, table, retention, new(dynamo.Packer)}
}

// InlineBody is the largest body, in bytes, that is stored with its event and
// embedded in delivery messages. A larger body has a row of its own.
const InlineBody = 32 << 10

// ErrConflict reports that another event is stored under the same id.
var ErrConflict = errors.New("another event is stored under this id")

// ErrNotFound reports that the body is not stored, or no longer.
var ErrNotFound = errors.New("no such body")

// row is an item of the table: an event, or only a large body.
type row struct {
	Event    string  `dynamodbav:"event"`
	Type     string  `dynamodbav:"type,omitempty"`
	Hash     []byte  `dynamodbav:"hash,omitempty"`
	Body     []byte  `dynamodbav:"body,omitempty"`
	Deflated bool    `dynamodbav:"deflated,omitempty"`
	Webhooks []int64 `dynamodbav:"webhooks,omitempty,numberset"`
	TTL      int64   `dynamodbav:"ttl"` // Unix seconds
}

// attributes returns the attributes of r's item, sorted by name. It avoids
// attributevalue, which would inspect the struct again for each event of a batch.
func (r row) attributes() iter.Seq2[string, types.AttributeValue] {
	return func(yield func(string, types.AttributeValue) bool) {
		_ = (r.Body == nil || yield("body", &types.AttributeValueMemberB{Value: r.Body})) &&
			(!r.Deflated || yield("deflated", &types.AttributeValueMemberBOOL{Value: true})) &&
			yield("event", &types.AttributeValueMemberS{Value: r.Event}) &&
			(r.Type == "" || yield("hash", &types.AttributeValueMemberB{Value: r.Hash})) &&
			yield("ttl", &types.AttributeValueMemberN{Value: strconv.FormatInt(r.TTL, 10)}) &&
			(r.Type == "" || yield("type", &types.AttributeValueMemberS{Value: r.Type})) &&
			(len(r.Webhooks) == 0 || yield("webhooks", numberSet(r.Webhooks)))
	}
}

func numberSet(list []int64) types.AttributeValue {
	numbers := make([]string, 0, len(list))
	for _, n := range list {
		numbers = append(numbers, strconv.FormatInt(n, 10))
	}
	return &types.AttributeValueMemberNS{Value: numbers}
}

// rowKey returns the key of an event's row. Ids never contain '#': [event.ValidID].
func rowKey(k event.Key) string { return k.TenantID + "#" + k.ID }

// bodyKey returns the key of a body's own row. It contains the hash, because two
// events with the same id must not overwrite each other's body while deliveries
// of both are in flight.
func bodyKey(k event.Key, hash event.Hash) string {
	return rowKey(k) + "#" + hex.EncodeToString(hash[:])
}

// Create stores e with the ids of the webhooks that it matched, if its id is free
// or has expired. It returns nil if the same event is already stored, and
// ErrConflict if another event is.
func (s *Store) Create(ctx context.Context, e event.Event, webhooks []int64, now time.Time) error {
	err := s.putFree(ctx, s.row(e, webhooks, now), now)
	var taken *types.ConditionalCheckFailedException
	if errors.As(err, &taken) {
		return sameHash(taken.Item, e.Hash())
	}
	if err != nil {
		return fmt.Errorf("store event %s: %w", rowKey(e.Key()), err)
	}
	return nil
}

// row returns the row of e.
func (s *Store) row(e event.Event, webhooks []int64, now time.Time) row {
	hash := e.Hash()
	r := row{Event: rowKey(e.Key()), Type: string(e.Type), Hash: hash[:], Webhooks: webhooks, TTL: now.Add(s.retention).Unix()}
	if body := e.Body(); len(body) <= InlineBody {
		r.Body, r.Deflated = s.bodies.Pack(body, overhead(r))
	}
	return r
}

func sameHash(item map[string]types.AttributeValue, hash event.Hash) error {
	var stored row
	if err := attributevalue.UnmarshalMap(item, &stored); err != nil {
		return fmt.Errorf("read the stored event: %w", err)
	}
	if string(stored.Hash) != string(hash[:]) {
		return ErrConflict
	}
	return nil
}

// PutBody stores the body of e in a row of its own, for deliveries that do not
// embed it.
func (s *Store) PutBody(ctx context.Context, e event.Event, now time.Time) error {
	r := row{Event: bodyKey(e.Key(), e.Hash()), TTL: now.Add(s.retention).Unix()}
	r.Body, r.Deflated = s.bodies.Pack(e.Body(), overhead(r))
	// The first body stays: the same event sent twice without a timestamp has two
	// bodies, and all attempts with one webhook-id must send the same bytes.
	err := s.putFree(ctx, r, now)
	var taken *types.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &taken) {
		return fmt.Errorf("store body %s: %w", r.Event, err)
	}
	return nil
}

// putFree writes r if its key is free or its row has expired at now.
func (s *Store) putFree(ctx context.Context, r row, now time.Time) error {
	free := expression.Or(
		expression.AttributeNotExists(expression.Name("event")),
		expression.Name("ttl").LessThanEqual(expression.Value(now.Unix())))
	condition, err := expression.NewBuilder().WithCondition(free).Build()
	if err != nil {
		return fmt.Errorf("build the condition: %w", err)
	}
	_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.table, Item: maps.Collect(r.attributes()),
		ConditionExpression:                 condition.Condition(),
		ExpressionAttributeNames:            condition.Names(),
		ExpressionAttributeValues:           condition.Values(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	return err
}

// GetBody returns the body of the event with key and hash, from either row. It
// returns ErrNotFound if neither holds it.
func (s *Store) GetBody(ctx context.Context, key event.Key, hash event.Hash) ([]byte, error) {
	stored, err := s.get(ctx, rowKey(key))
	if err != nil {
		return nil, err
	}
	if string(stored.Hash) != string(hash[:]) || stored.Body == nil {
		if stored, err = s.get(ctx, bodyKey(key, hash)); err != nil {
			return nil, err
		}
	}
	if stored.Body == nil {
		return nil, fmt.Errorf("read body of %s: %w", rowKey(key), ErrNotFound)
	}
	body, err := dynamo.Unpack(stored.Body, stored.Deflated)
	if err != nil {
		return nil, fmt.Errorf("read body of %s: %w", rowKey(key), err)
	}
	return body, nil
}

// get returns the row with the key name, or an empty row.
func (s *Store) get(ctx context.Context, name string) (row, error) {
	output, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: itemKey(name), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return row{}, fmt.Errorf("read event %s: %w", name, dynamo.Classify(err))
	}
	var r row
	if err := attributevalue.UnmarshalMap(output.Item, &r); err != nil {
		return row{}, fmt.Errorf("read event %s: %w", name, err)
	}
	return r, nil
}

// overhead returns an upper bound for the size of r's item without the body, in
// bytes. See
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func overhead(r row) int {
	const names = len("event" + "type" + "hash" + "body" + "deflated" + "webhooks" + "ttl")
	const ttl, flag, perWebhook = 7, 1, 5
	return names + ttl + flag + len(r.Event) + len(r.Type) + len(r.Hash) + perWebhook*len(r.Webhooks)
}

func itemKey(name string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"event": &types.AttributeValueMemberS{Value: name}}
}
