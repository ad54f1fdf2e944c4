// Package retrydb keeps deliveries whose next attempt is further away than a
// queue can delay it, in the order in which they become due.
//
// A row's key is the minute in which it is due and its id, which names event,
// webhook and attempt: copies of a delivery compute the same due time and so
// collapse into one row. The minute is spread over a few shards, because one
// partition takes 1,000 writes a second.
package retrydb

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/aws/dynamo"
	"webhooks/shared/delivery"
)

// Shards is how many partitions a minute has. Each is a query of every tick of
// the retrier, so it is small: two take 2,000 writes a second, and the jitter of
// the shortest wait that is kept here spreads its retries over six minutes.
const Shards = 2

// safetyNet is how long after its due time DynamoDB deletes a row that nobody
// moved. The alarm on old rows comes long before it.
const safetyNet = 30 * 24 * time.Hour

// DynamoDB is the part of the SDK's client that a Store calls.
type DynamoDB interface {
	BatchWriteItem(context.Context, *dynamodb.BatchWriteItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error)
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

// Store is the retries table.
type Store struct {
	client DynamoDB
	table  string
	pause  dynamo.Pause
}

// Option changes how a Store waits.
type Option func(*Store)

// WithPause replaces [dynamo.Backoff], which waits before writes that DynamoDB left
// unprocessed are sent again.
func WithPause(pause dynamo.Pause) Option { return func(s *Store) { s.pause = pause } }

// New returns the store of table.
func New(client DynamoDB, table string, options ...Option) *Store {
	s := &Store{client: client, table: table, pause: dynamo.Backoff}
	for _, option := range options {
		option(s)
	}
	return s
}

// Row is a delivery that waits for its attempt.
type Row struct {
	Delivery delivery.Delivery
	key      rowKey
}

type rowKey struct {
	Due string `dynamodbav:"due"`
	ID  string `dynamodbav:"id"`
}

type item struct {
	rowKey
	Message string `dynamodbav:"message"`
	TTL     int64  `dynamodbav:"ttl"` // epoch seconds
}

// Minute is a minute of time, counted from the epoch.
type Minute int64

// MinuteOf returns the minute that t is in.
func MinuteOf(t time.Time) Minute { return Minute(t.Unix() / 60) }

func partition(m Minute, shard int) string {
	return strconv.FormatInt(int64(m), 10) + "#" + strconv.Itoa(shard)
}

// keyOf returns the key of the row that keeps d.
func keyOf(d delivery.Delivery) rowKey {
	id := d.Event.TenantID + "#" + d.Event.ID + "#" + strconv.FormatInt(d.Webhook.ID, 10) + "#" + strconv.Itoa(d.Attempt)
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // writing to a hash never fails
	return rowKey{partition(MinuteOf(d.Due), int(h.Sum32()%Shards)), id}
}

// PutMany keeps deliveries and returns an error for each, nil where it is kept.
// The body of the event is left out: it is read again from the events table,
// which keeps a row at one write unit.
func (s *Store) PutMany(ctx context.Context, deliveries []delivery.Delivery) []error {
	failures := make([]error, len(deliveries))
	requests := make(map[rowKey]types.WriteRequest, len(deliveries))
	keys := make([]rowKey, len(deliveries))
	for i, d := range deliveries {
		d.Body = nil
		keys[i] = keyOf(d)
		encoded, err := attributevalue.MarshalMap(item{keys[i], d.Encode(), d.Due.Add(safetyNet).Unix()})
		if err != nil {
			failures[i] = fmt.Errorf("encode a retry: %w", err)
			continue
		}
		requests[keys[i]] = types.WriteRequest{PutRequest: &types.PutRequest{Item: encoded}}
	}
	failed := s.write(ctx, requests)
	for i, key := range keys {
		if err := failed[key]; err != nil {
			failures[i] = err
		}
	}
	return failures
}

// Delete forgets rows, and returns what failed.
func (s *Store) Delete(ctx context.Context, rows []Row) error {
	requests := make(map[rowKey]types.WriteRequest, len(rows))
	for _, row := range rows {
		requests[row.key] = types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: row.key.item()}}
	}
	var failures []error
	for _, err := range s.write(ctx, requests) {
		failures = append(failures, err)
	}
	return errors.Join(failures...)
}

func (k rowKey) item() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"due": &types.AttributeValueMemberS{Value: k.Due},
		"id":  &types.AttributeValueMemberS{Value: k.ID},
	}
}

// List returns a page of the rows of a shard of m, those after the id after, and
// the id to go on after, which is "" at the end. A row that cannot be read is
// left out and reported, so that it does not stand in the way of the others.
//
// The read is eventually consistent, which costs half: a row is written a quarter
// of an hour before its minute is first read, and DynamoDB needs a second.
func (s *Store) List(ctx context.Context, m Minute, shard int, after string) (rows []Row, next string, unreadable, err error) {
	query, err := expression.NewBuilder().WithKeyCondition(
		expression.Key("due").Equal(expression.Value(partition(m, shard)))).Build()
	if err != nil {
		return nil, "", nil, fmt.Errorf("build the query: %w", err)
	}
	input := &dynamodb.QueryInput{
		TableName: &s.table, Limit: aws.Int32(pageSize),
		KeyConditionExpression:    query.KeyCondition(),
		ExpressionAttributeNames:  query.Names(),
		ExpressionAttributeValues: query.Values(),
	}
	if after != "" {
		input.ExclusiveStartKey = rowKey{partition(m, shard), after}.item()
	}
	output, err := s.client.Query(ctx, input)
	if err != nil {
		return nil, "", nil, fmt.Errorf("read the retries of minute %d: %w", m, err)
	}
	for _, attributes := range output.Items {
		row, err := readRow(attributes)
		if err != nil {
			unreadable = errors.Join(unreadable, err)
			continue
		}
		rows = append(rows, row)
	}
	if last, more := output.LastEvaluatedKey["id"].(*types.AttributeValueMemberS); more {
		next = last.Value
	}
	return rows, next, unreadable, nil
}

// pageSize is how many rows one query reads: 100 deliveries are ten messages
// of ten.
const pageSize = 100

func readRow(attributes map[string]types.AttributeValue) (Row, error) {
	var it item
	if err := attributevalue.UnmarshalMap(attributes, &it); err != nil {
		return Row{}, fmt.Errorf("read a retry: %w", err)
	}
	message, err := delivery.Decode([]byte(it.Message))
	if err != nil {
		return Row{}, fmt.Errorf("read retry %s %s: %w", it.Due, it.ID, err)
	}
	if message.Delivery == nil {
		return Row{}, fmt.Errorf("retry %s %s is no delivery", it.Due, it.ID)
	}
	return Row{*message.Delivery, it.rowKey}, nil
}
