// Package attemptlogdb stores logs in DynamoDB, in four kinds of items of one table:
//
//   - A chunk holds the logs of one webhook that were written together. The logs of a
//     webhook have consecutive ids, and the ids of a chunk have no gap. A thousand ids
//     share a partition key (a bucket), and the sort key of a chunk is its first id. So a
//     page is a range of ids and costs the same wherever it is, and a busy webhook
//     spreads over partitions.
//   - A chunk of problems holds the logs that were not delivered, in the same way, under
//     consecutive numbers of their own.
//   - An event row holds one log under its event, unless it is the log of a first attempt
//     that succeeded. All attempts of an event are one Query.
//   - Item 0 of a webhook holds the last id and the last problem number that were
//     reserved. While the webhook exists it has no TTL, because an id that is used twice
//     would overwrite a log.
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
	BatchExecuteStatement(context.Context, *dynamodb.BatchExecuteStatementInput, ...func(*dynamodb.Options)) (*dynamodb.BatchExecuteStatementOutput, error)
	BatchWriteItem(context.Context, *dynamodb.BatchWriteItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error)
}

// Store reads and writes logs. It is safe for concurrent use.
type Store struct {
	client    DynamoDB
	table     string
	retention time.Duration
	packer    *dynamo.Packer
	pause     dynamo.Pause
}

// New returns the store of table. Customers see a log for retention after it was
// created, whatever the retention was when it was written.
func New(client DynamoDB, table string, retention time.Duration) *Store {
	return &Store{client: client, table: table, retention: retention, packer: new(dynamo.Packer), pause: dynamo.Backoff}
}
