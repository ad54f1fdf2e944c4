// Package webhooktest supports tests that need webhooks.
package webhooktest

import (
	"webhooks/shared/event"
	"webhooks/shared/webhook"
)

// Secret is the secret of every [Webhook]: the API document's example.
const Secret = "your-secret-key"

// Webhook returns an enabled webhook of a tenant that wants
// environment.created, as it is before it is stored, with changes.
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
