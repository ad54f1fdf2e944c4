// Package webhookdb keeps webhooks in DynamoDB.
//
// The table's key is the tenant and the webhook's id. Item 0 of a tenant holds
// the last id given (last_id), how many webhooks there are (count) and the
// subscription index; each of them changes in one transaction with the webhook
// it is about. Every read is strongly consistent and goes through the tenant's
// key, so a foreign id is simply not found.
//
// Secrets are stored encrypted when the store has a vault: under the tenant's
// data key, whose encrypted form is in item -1 for those to come and beside the
// secrets in each webhook's item.
package webhookdb

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"webhooks/shared/aws/dynamo"
	"webhooks/shared/webhook/vault"
)

// DynamoDB is the part of [dynamodb.Client] that a [Store] calls.
type DynamoDB interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// Store is the table of webhooks.
type Store struct {
	client DynamoDB
	table  string
	vault  *vault.Vault // nil: none
	pause  dynamo.Pause
}

// Option changes how a Store guards secrets or waits.
type Option func(*Store)

// WithVault encrypts the secrets that are written and opens those that are.
// Without a vault a store writes secrets as they are and cannot open encrypted
// ones, which is all that a function needs which shows none.
func WithVault(v *vault.Vault) Option { return func(s *Store) { s.vault = v } }

// WithPause replaces [dynamo.Backoff].
func WithPause(pause dynamo.Pause) Option { return func(s *Store) { s.pause = pause } }

// New returns the store in a table.
func New(client DynamoDB, table string, options ...Option) *Store {
	s := &Store{client: client, table: table, pause: dynamo.Backoff}
	for _, option := range options {
		option(s)
	}
	return s
}

// wholeSeconds returns a time as webhooks store it.
func wholeSeconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
