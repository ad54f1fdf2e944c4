// Package webhookdb stores webhooks in DynamoDB.
//
// The table's key is the tenant and the webhook's id. Item 0 of a tenant holds
// the last id that was assigned (last_id), the number of webhooks (count) and
// the subscription index. It changes in the same transaction as the webhook.
// Every read names the tenant, so another tenant's webhook is not found. Reads are
// strongly consistent, except the later pages of [Store.List].
//
// With a vault the store encrypts secrets under the tenant's data key. Item -1
// holds the encrypted data key that new secrets use; each webhook's item holds a
// copy of the one that its own secrets use. Item -2 is the lease of a test. Items below
// -2^62 count the webhooks of each host.
package webhookdb

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"webhooks/shared/aws/dynamo"
	"webhooks/shared/webhook"
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
	vault  *vault.Vault // nil without encryption
	pause  dynamo.Pause
	// perHost limits the webhooks of a tenant that name one host.
	perHost int
}

// Option changes how a Store encrypts secrets, or its limit.
type Option func(*Store)

// WithVault makes the store encrypt the secrets that it writes and decrypt those
// that it reads. A store without a vault writes secrets as plain text and cannot
// read encrypted ones; functions that need no secret use it.
func WithVault(v *vault.Vault) Option { return func(s *Store) { s.vault = v } }

// New returns the store of a table.
func New(client DynamoDB, table string, options ...Option) *Store {
	s := &Store{client: client, table: table, pause: dynamo.Backoff, perHost: webhook.MaxPerTenant}
	for _, option := range options {
		option(s)
	}
	return s
}

// wholeSeconds returns a time as webhooks store it.
func wholeSeconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
