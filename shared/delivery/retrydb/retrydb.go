// Package retrydb stores deliveries whose next attempt is due later than a queue can
// delay a message, by the minute in which they are due. A delivery whose slot is hours
// ahead is stored whole hours before it, so that a changed rate limit reaches it.
//
// The key of a row is that minute and an id of event, webhook and attempt. Copies of
// a delivery have the same due time, so they collapse into one row. A minute has
// several shards, because a partition of DynamoDB takes 1,000 writes a second.
package retrydb

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/aws/dynamo"
	"webhooks/shared/delivery"
)

// Shards is the number of partitions of a minute. It is small, because the retrier
// queries each of them at every tick. Two shards take 2,000 writes a second, and the
// jitter spreads the retries of even the shortest stored wait over six minutes.
const Shards = 2

// ttl is how long after its due time DynamoDB deletes a row that was not moved. The
// alarm RetriesBehindAlarm is raised long before.
const ttl = 30 * 24 * time.Hour

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

// New returns the store of table.
func New(client DynamoDB, table string) *Store {
	return &Store{client: client, table: table, pause: dynamo.Backoff}
}

// Row is a stored delivery.
type Row struct {
	Delivery delivery.Delivery
	// Early is how long before its due time the delivery comes back.
	Early time.Duration
	key   rowKey
}

type rowKey struct {
	Due string `dynamodbav:"due"`
	ID  string `dynamodbav:"id"`
}

type item struct {
	rowKey
	Message string `dynamodbav:"message"`
	TTL     int64  `dynamodbav:"ttl"` // Unix seconds
}

// Minute is a minute, counted from the Unix epoch.
type Minute int64

// MinuteOf returns the minute of t.
func MinuteOf(t time.Time) Minute { return Minute(t.Unix() / 60) }

// partition returns the partition key of a shard of m.
func partition(m Minute, shard int) string {
	return strconv.FormatInt(int64(m), 10) + "#" + strconv.Itoa(shard)
}

// keyOf returns the key of the row of d, which is stored at now.
func keyOf(d delivery.Delivery, now time.Time) rowKey {
	id := d.Event.TenantID + "#" + d.Event.ID + "#" + strconv.FormatInt(d.Webhook.ID, 10) + "#" + strconv.Itoa(d.Attempt)
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // Write of a hash never returns an error
	return rowKey{partition(MinuteOf(d.Due.Add(-d.Early(now))), int(h.Sum32()%Shards)), id}
}

// PutMany stores deliveries at now, without their bodies, and returns an error for each, nil
// if it is stored. Without the body a row costs one write unit; the dispatcher reads
// the body from the events table.
func (s *Store) PutMany(ctx context.Context, deliveries []delivery.Delivery, now time.Time) []error {
	failures := make([]error, len(deliveries))
	requests := make(map[rowKey]types.WriteRequest, len(deliveries))
	keys := make([]rowKey, len(deliveries))
	for i, d := range deliveries {
		d.Body = nil
		keys[i] = keyOf(d, now)
		encoded, err := attributevalue.MarshalMap(item{keys[i], d.Encode(), d.Due.Add(ttl).Unix()})
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

// Delete deletes rows. Its error joins the errors of the rows that it could not delete.
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

// item returns k as attributes.
func (k rowKey) item() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"due": &types.AttributeValueMemberS{Value: k.Due},
		"id":  &types.AttributeValueMemberS{Value: k.ID},
	}
}

// List returns a page of the rows of a shard of m: up to 100 rows whose ids follow
// after. Next is the after of the following page, or "" if there is none. Rows that
// cannot be decoded are left out, and unreadable joins their errors, so that such a
// row does not block the others.
//
// The read is eventually consistent, which costs half. That is enough: a row is
// usually written a quarter of an hour before it is read, DynamoDB is consistent
// within a second, and the retrier reads a minute again until it is ten minutes past.
func (s *Store) List(ctx context.Context, m Minute, shard int, after string) (rows []Row, next string, unreadable, err error) {
	query, err := expression.NewBuilder().WithKeyCondition(
		expression.Key("due").Equal(expression.Value(partition(m, shard)))).Build()
	if err != nil {
		return nil, "", nil, fmt.Errorf("build the query for retries: %w", err)
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
		row, err := decodeRow(attributes)
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

// pageSize is the number of rows of a page: 100 messages are ten SendMessageBatch
// calls.
const pageSize = 100

// decodeRow returns the row of a stored item.
func decodeRow(attributes map[string]types.AttributeValue) (Row, error) {
	var it item
	if err := attributevalue.UnmarshalMap(attributes, &it); err != nil {
		return Row{}, fmt.Errorf("decode a retry: %w", err)
	}
	message, err := delivery.Decode([]byte(it.Message))
	if err != nil {
		return Row{}, fmt.Errorf("decode retry %s %s: %w", it.Due, it.ID, err)
	}
	d, err := message.Only()
	if err != nil {
		return Row{}, fmt.Errorf("decode retry %s %s: %w", it.Due, it.ID, err)
	}
	minute, _, _ := strings.Cut(it.Due, "#")
	stored, err := strconv.ParseInt(minute, 10, 64)
	if err != nil {
		return Row{}, fmt.Errorf("decode retry %s %s: %w", it.Due, it.ID, err)
	}
	return Row{d, time.Duration(MinuteOf(d.Due)-Minute(stored)) * time.Minute, it.rowKey}, nil
}
