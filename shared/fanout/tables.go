package fanout

import (
	"context"
	"time"

	"webhooks/shared/dynamo"
	"webhooks/shared/event"
	"webhooks/shared/eventdb"
	"webhooks/shared/webhookdb"
)

// DynamoDB is the [Tables] of a function. It reads both tables with one request
// instead of two, one after the other: a batch waits for its reads.
type DynamoDB struct {
	API      dynamo.Getter
	Webhooks *webhookdb.Store
	Events   *eventdb.Store
}

// Read reads strongly consistent. It returns TemporarilyUnavailable when
// DynamoDB is overloaded.
func (d DynamoDB) Read(ctx context.Context, tenantIDs []string, keys []event.Key, now time.Time) (Rows, error) {
	rows, err := dynamo.Get(ctx, d.API, dynamo.Backoff, d.Webhooks.IndexKeys(tenantIDs), d.Events.KnownKeys(keys))
	if err != nil {
		return Rows{}, err
	}
	indexes, err := d.Webhooks.ReadIndexes(tenantIDs, rows)
	if err != nil {
		return Rows{}, err
	}
	known, err := d.Events.ReadKnown(keys, rows, now)
	return Rows{indexes, known}, err
}
