package webhookdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"webhooks/shared/apperr"
	"webhooks/shared/webhook"
)

// Update replaces a webhook by the result of change and returns the new one. If
// another write comes first, Update reads the webhook and calls change again. It
// returns an error of change unchanged. It ignores the key, the creation time, the
// revision, the address, the health and the next slot that change returns.
//
// Every update seals the secrets again, which moves plain-text secrets and those
// under an earlier data key to the current one. It drops replaced secrets that
// have expired. It makes the subscription index agree with the webhook even if the
// change does not concern it: an earlier version may have written it.
//
// Update returns WebhookNotFound, TooManyForHost if the new URL has a host at its limit,
// ChangedMeanwhile when it keeps conflicting
// with other writes, or TemporarilyUnavailable when KMS fails.
func (s *Store) Update(ctx context.Context, key webhook.Key, now time.Time, change func(webhook.Webhook) (webhook.Webhook, error)) (webhook.Webhook, error) {
	var updated webhook.Webhook
	err := s.retryConflicts(ctx, apperr.ChangedMeanwhile, func() error {
		stored, tenant, err := s.readWithTenant(ctx, key)
		if err != nil {
			return err
		}
		current, err := s.openSecrets(ctx, stored, now)
		if err != nil {
			return err
		}
		changed, err := change(current)
		if err != nil {
			return err
		}
		dataKey, err := s.currentKey(ctx, key.TenantID, now)
		if err != nil {
			return err
		}
		update, err := s.prepare(ctx, tenant, stored, changed, seal(key, changed, dataKey), now)
		if err != nil {
			return err
		}
		updated = update.webhook
		return s.store(ctx, update, fmt.Sprintf("update webhook %d", key.ID))
	})
	if err != nil {
		return webhook.Webhook{}, err
	}
	return updated, nil
}

// readWithTenant reads a webhook and then item 0 of its tenant.
func (s *Store) readWithTenant(ctx context.Context, key webhook.Key) (record, tenantRecord, error) {
	stored, err := s.read(ctx, key)
	if err != nil {
		return record{}, tenantRecord{}, err
	}
	tenant, err := s.readTenant(ctx, key.TenantID)
	return stored, tenant, err
}

// errNotCurrent means that the webhook to disable has another revision or is
// disabled already.
var errNotCurrent = errors.New("the webhook has another revision or is disabled")

// Disable disables a webhook if it is enabled and still has the given revision,
// and reports whether it did. A receiver's 410 Gone applies to the revision that
// was called: the customer may have changed the webhook since.
//
// Disable does not open the secrets, so it does not call KMS.
func (s *Store) Disable(ctx context.Context, key webhook.Key, revision int64, now time.Time) (bool, error) {
	err := s.retryConflicts(ctx, apperr.ChangedMeanwhile, func() error {
		stored, tenant, err := s.readWithTenant(ctx, key)
		if err != nil {
			return err
		}
		if stored.Revision != revision || !stored.Enabled {
			return errNotCurrent
		}
		disabled := stored.webhook()
		disabled.Enabled = false
		update, err := s.prepare(ctx, tenant, stored, disabled, stored.unexpired(now), now)
		if err != nil {
			return err
		}
		return s.store(ctx, update, fmt.Sprintf("disable webhook %d", key.ID))
	})
	if errors.Is(err, errNotCurrent) || apperr.Is(err, apperr.WebhookNotFound) {
		return false, nil
	}
	return err == nil, err
}
