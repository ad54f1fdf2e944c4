// Package attemptlogdb stores logs in DynamoDB.
//
// The logs of a webhook have consecutive ids, and a hundred ids share a partition
// key (a bucket). So a page is a range of ids and costs the same wherever it is, and
// a busy webhook spreads over partitions. Item 0 of a webhook holds the last id that
// was reserved. While the webhook exists it has no TTL, because an id that is used
// twice would overwrite a log.
package attemptlogdb

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"webhooks/shared/aws/dynamo"
)

// DynamoDB is the part of the SDK's client that a Store calls.
type DynamoDB interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	BatchWriteItem(context.Context, *dynamodb.BatchWriteItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error)
}

// Store reads and writes logs. It is safe for concurrent use.
type Store struct {
	client    DynamoDB
	table     string
	retention time.Duration
	pause     dynamo.Pause
}

// New returns the store of table. Customers see a log for retention after it was
// created, whatever the retention was when it was written.
func New(client DynamoDB, table string, retention time.Duration) *Store {
	return &Store{client: client, table: table, retention: retention, pause: dynamo.Backoff}
}
