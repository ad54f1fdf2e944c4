// Package attemptlogdb keeps logs in DynamoDB.
//
// The logs of a webhook are numbered without a gap in buckets of a hundred, so
// that a page is a range of ids: it costs the same wherever it is, and a busy
// webhook spreads over partitions. Item 0 of a webhook holds the last id that
// was given; it has no TTL and is never deleted, because an id that is given
// twice would overwrite a log.
package attemptlogdb

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
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

	// Now tells which logs have expired. Tests set it before the first call.
	Now func() time.Time
	// Wait sleeps before unprocessed writes are sent again; it returns early
	// with ctx's error. Tests set it before the first call.
	Wait func(ctx context.Context, d time.Duration) error
	// Jitter returns a number in [0,1). Tests set it before the first call.
	Jitter func() float64
}

// New returns the store behind table, whose logs live for retention.
func New(client DynamoDB, table string, retention time.Duration) *Store {
	return &Store{client: client, table: table, retention: retention, Now: time.Now, Wait: wait, Jitter: rand.Float64}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
