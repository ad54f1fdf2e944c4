// Package webhook is the domain of webhooks. A customer registers a URL, the
// event types to deliver to it and the secret that signs the deliveries.
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
	// MaxPerTenant is the largest number of webhooks of a tenant. Their list must fit
	// into one response of Lambda (6 MB), and their index into one DynamoDB item.
	MaxPerTenant = 1000
	// MinNameLength and MaxNameLength bound a name, in Unicode code points.
	MinNameLength = 1
	MaxNameLength = 128
	// SecretOverlap is how long a replaced secret signs along with the new one,
	// unless a [Rotation] says otherwise. A receiver can change its secret within
	// this time without refusing a delivery.
	SecretOverlap = 24 * time.Hour
	// MaxPreviousSecrets is the largest number of replaced secrets that still sign.
	// Each adds a signature to every delivery. Further rotations are refused until
	// one of them expires.
	MaxPreviousSecrets = 2
	// MinRateLimit and MaxRateLimit bound a rate limit, in deliveries per second.
	MinRateLimit = 0.1
	MaxRateLimit = 1000.0
)

// Key identifies a webhook. Ids count from 1 in every tenant, so an id has no
// meaning without its tenant.
type Key struct {
	TenantID string
	ID       int64
}

// Webhook is one registered URL. Functions that need no secrets read webhooks
// without them; [Webhook.SigningKeys] then returns an error.
type Webhook struct {
	TenantID        string
	ID              int64
	Name            string
	URL             string
	Secret          string
	PreviousSecrets []PreviousSecret // the newest first
	Events          []event.Type     // distinct, in the customer's order
	Enabled         bool
	// RateLimit is how many attempts of deliveries begin in a second at most, from
	// MinRateLimit to MaxRateLimit; 0 for no limit.
	RateLimit float64
	// NextSlot is the next time at which a delivery may begin under the rate limit: UTC,
	// whole microseconds, zero if none was reserved.
	NextSlot  time.Time
	CreatedAt time.Time // UTC, whole seconds
	UpdatedAt time.Time // UTC, whole seconds
	// Revision is 1 at first and increases with every change, so it shows whether a
	// webhook has changed since it was read.
	Revision int64
	// Address counts the addresses that the webhook has had: see [Webhook.Moves]. It is
	// 1 at first.
	Address int64
	// Health is the state of the receiver at this address. It changes without a new
	// revision.
	Health Health
}

// PreviousSecret is a replaced secret that still signs.
type PreviousSecret struct {
	Secret    string
	ExpiresAt time.Time // UTC, whole seconds
}

// Key returns the key of w.
func (w Webhook) Key() Key { return Key{TenantID: w.TenantID, ID: w.ID} }

// Moves reports whether next, a change of w, has a new address: another URL, or the
// webhook was disabled or enabled. The health of the old address says nothing about the
// new one.
func (w Webhook) Moves(next Webhook) bool { return w.URL != next.URL || w.Enabled != next.Enabled }

// SigningKeys returns the keys that sign a delivery at now: that of the current
// secret, then those of the replaced secrets that have not expired.
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

// LogValue returns the ids alone, which keeps the secrets out of the log.
func (w Webhook) LogValue() slog.Value {
	return slog.GroupValue(slog.String("tenant_id", w.TenantID), slog.Int64("webhook_id", w.ID))
}
