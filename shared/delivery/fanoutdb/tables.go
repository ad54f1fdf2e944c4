// Package fanoutdb reads what the fan-out asks of DynamoDB.
package fanoutdb

import (
	"context"
	"time"

	"webhooks/shared/aws/dynamo"
	"webhooks/shared/delivery/fanout"
	"webhooks/shared/event"
	"webhooks/shared/event/eventdb"
	"webhooks/shared/webhook/webhookdb"
)

// Tables are the [fanout.Tables] of a function. They are read with one request
// instead of two, one after the other: a batch waits for its reads.
type Tables struct {
	API      dynamo.Getter
	Webhooks *webhookdb.Store
	Events   *eventdb.Store
}

// Read reads strongly consistent. It returns TemporarilyUnavailable when
// DynamoDB is overloaded.
func (t Tables) Read(ctx context.Context, tenantIDs []string, keys []event.Key, now time.Time) (fanout.Rows, error) {
	rows, err := dynamo.Get(ctx, t.API, dynamo.Backoff, t.Webhooks.IndexKeys(tenantIDs), t.Events.KnownKeys(keys))
	if err != nil {
		return fanout.Rows{}, err
	}
	indexes, err := t.Webhooks.ReadIndexes(tenantIDs, rows)
	if err != nil {
		return fanout.Rows{}, err
	}
	known, err := t.Events.ReadKnown(keys, rows, now)
	return fanout.Rows{Indexes: indexes, Known: known}, err
}
