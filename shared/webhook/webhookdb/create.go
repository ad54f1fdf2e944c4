package webhookdb

import (
	"context"
	"fmt"
	"time"

	"webhooks/shared/apperr"
	"webhooks/shared/webhook"
)

// Create stores w as the tenant's next webhook and returns it with its id, its
// times and revision 1. Ids have no gaps and are never reused. It returns
// TooManyWebhooks and TooManyForHost at the limits, ChangedMeanwhile when it keeps
// conflicting with other writes of the tenant, and TemporarilyUnavailable when KMS or
// DynamoDB fails.
//
// One call creates one webhook even if a response of DynamoDB is lost: the SDK
// repeats the transaction with the same idempotency token.
func (s *Store) Create(ctx context.Context, w webhook.Webhook, now time.Time) (webhook.Webhook, error) {
	key, err := s.currentKey(ctx, w.TenantID, now)
	if err != nil {
		return webhook.Webhook{}, err
	}
	var created webhook.Webhook
	err = s.retryConflicts(ctx, apperr.ChangedMeanwhile, func() error {
		tenant, err := s.readTenant(ctx, w.TenantID)
		if err != nil {
			return err
		}
		if tenant.Count >= webhook.MaxPerTenant {
			return apperr.New(apperr.TooManyWebhooks, webhook.MaxPerTenant)
		}
		unsaved := record{TenantID: w.TenantID, WebhookID: tenant.LastID + 1}
		creation, err := s.prepare(ctx, tenant, unsaved, w, seal(unsaved.key(), w, key), now)
		if err != nil {
			return err
		}
		created = creation.webhook
		return s.store(ctx, creation, fmt.Sprintf("create webhook %d", created.ID))
	})
	if err != nil {
		return webhook.Webhook{}, err
	}
	return created, nil
}
