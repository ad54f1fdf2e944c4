package fanout

import (
	"context"
	"time"

	"webhooks/shared/aws/dynamo"
	"webhooks/shared/event"
	"webhooks/shared/event/eventdb"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/webhookdb"
)

// Tables reads the webhooks table and the events table in one request: a batch
// waits for its reads.
type Tables struct {
	DynamoDB dynamo.BatchGetter
	Webhooks *webhookdb.Store
	Events   *eventdb.Store
}

// Rows is what [Tables.Read] returns: the subscription index of each tenant, and
// the hash of each event that is stored. A tenant or an event that could not be read
// has an error instead.
type Rows struct {
	Indexes     map[string]webhook.Index
	Hashes      map[event.Key]event.Hash
	IndexErrors map[string]error
	HashErrors  map[event.Key]error
}

// Read reads the rows of tenants and events, strongly consistently. An error is
// TemporarilyUnavailable when DynamoDB is overloaded.
func (t Tables) Read(ctx context.Context, tenantIDs []string, keys []event.Key, now time.Time) Rows {
	read := dynamo.BatchGet(ctx, t.DynamoDB, dynamo.Backoff, t.Webhooks.IndexKeys(tenantIDs), t.Events.HashKeys(keys))
	var rows Rows
	rows.Indexes, rows.IndexErrors = t.Webhooks.ReadIndexes(tenantIDs, read)
	rows.Hashes, rows.HashErrors = t.Events.ReadHashes(keys, read, now)
	return rows
}
