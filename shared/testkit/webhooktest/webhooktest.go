// Package webhooktest supports tests that need webhooks.
package webhooktest

import (
	"context"
	"errors"
	"maps"
	"slices"

	"webhooks/shared/aws/dynamo"
	"webhooks/shared/event"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/webhookdb"
)

// Secret is the secret of every [Webhook]. It is the example of the API document.
const Secret = "your-secret-key"

// Webhook returns an enabled webhook of a tenant, not yet stored, that is
// subscribed to environment.created. Changes are applied to it in order.
func Webhook(tenantID string, changes ...func(*webhook.Webhook)) webhook.Webhook {
	w := webhook.Webhook{
		TenantID: tenantID,
		Name:     "环境事件通知",
		URL:      "https://receiver.example/webhook",
		Secret:   Secret,
		Events:   []event.Type{event.EnvironmentCreated},
		Enabled:  true,
	}
	for _, change := range changes {
		change(&w)
	}
	return w
}

// Indexes reads the subscription indexes of tenants, as the fan-out does.
func Indexes(ctx context.Context, client dynamo.BatchGetter, store *webhookdb.Store, tenantIDs ...string) (map[string]webhook.Index, error) {
	read := dynamo.BatchGet(ctx, client, dynamo.Backoff, store.IndexKeys(tenantIDs))
	indexes, failed := store.ReadIndexes(tenantIDs, read)
	return indexes, errors.Join(slices.Collect(maps.Values(failed))...)
}
