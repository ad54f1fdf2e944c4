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
// the hash of each event that is stored.
type Rows struct {
	Indexes map[string]webhook.Index
	Hashes  map[event.Key]event.Hash
}

// Read reads the rows of tenants and events, strongly consistently. It returns
// TemporarilyUnavailable when DynamoDB is overloaded.
func (t Tables) Read(ctx context.Context, tenantIDs []string, keys []event.Key, now time.Time) (Rows, error) {
	rows, err := dynamo.BatchGet(ctx, t.DynamoDB, dynamo.Backoff, t.Webhooks.IndexKeys(tenantIDs), t.Events.HashKeys(keys))
	if err != nil {
		return Rows{}, err
	}
	indexes, err := t.Webhooks.ReadIndexes(tenantIDs, rows)
	if err != nil {
		return Rows{}, err
	}
	hashes, err := t.Events.ReadHashes(keys, rows, now)
	return Rows{Indexes: indexes, Hashes: hashes}, err
}
