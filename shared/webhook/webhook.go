// Package webhook is what a customer registers: a URL, the event types it
// wants, and the secret its deliveries are signed with.
package webhook

import (
	"fmt"
	"log/slog"
	"time"

	"webhooks/shared/event"
	"webhooks/shared/webhook/signature"
)

// Limits of a webhook.
const (
	// MaxPerTenant is how many webhooks a tenant may have. The list of all of
	// them must fit into Lambda's answer of 6 MB, and their index into item 0.
	MaxPerTenant = 1000
	// MinNameLength and MaxNameLength bound a name, in Unicode code points.
	MinNameLength = 1
	MaxNameLength = 128
	// SecretOverlap is how long a replaced secret goes on signing beside the new
	// one unless a [Rotation] says otherwise, so that a receiver can change over
	// without refusing a delivery.
	SecretOverlap = 24 * time.Hour
	// MaxPreviousSecrets is how many replaced secrets are kept. Each one is a
	// signature more in every delivery.
	MaxPreviousSecrets = 2
)

// Key names a webhook. Ids count from 1 in every tenant, so that an id means
// nothing without its tenant.
type Key struct {
	TenantID string
	ID       int64
}

// Webhook is one registered URL. Where its secrets are not needed they are left
// empty, and [Webhook.SigningKeys] fails.
type Webhook struct {
	TenantID        string
	ID              int64
	Name            string
	URL             string
	Secret          string
	PreviousSecrets []PreviousSecret // the newest first
	Events          []event.Type     // distinct, in the customer's order
	Enabled         bool
	CreatedAt       time.Time // UTC, whole seconds
	UpdatedAt       time.Time // UTC, whole seconds
	// Revision counts the changes from 1. It tells whether a webhook is still
	// what it was when somebody read it.
	Revision int64
	// Health is about the receiver and not a change of the webhook.
	Health Health
}

// PreviousSecret is a replaced secret that still signs.
type PreviousSecret struct {
	Secret    string
	ExpiresAt time.Time // UTC, whole seconds
}

// Key returns the name of w.
func (w Webhook) Key() Key { return Key{TenantID: w.TenantID, ID: w.ID} }

// SigningKeys returns what a delivery at now is signed with: the key of the current
// secret, then those of the replaced ones that have not expired.
func (w Webhook) SigningKeys(now time.Time) ([]signature.Key, error) {
	secrets := []string{w.Secret}
	for _, previous := range w.PreviousSecrets {
		if now.Before(previous.ExpiresAt) {
			secrets = append(secrets, previous.Secret)
		}
	}
	keys := make([]signature.Key, 0, len(secrets))
	for _, secret := range secrets {
		key, err := signature.ParseSecret(secret)
		if err != nil {
			return nil, fmt.Errorf("stored secret of webhook %d of tenant %s: %w", w.ID, w.TenantID, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// LogValue names the webhook and keeps its secrets out of the log.
func (w Webhook) LogValue() slog.Value {
	return slog.GroupValue(slog.String("tenant_id", w.TenantID), slog.Int64("webhook_id", w.ID))
}
