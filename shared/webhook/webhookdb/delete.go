package webhookdb

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
	"webhooks/shared/guard"
	"webhooks/shared/webhook"
)

// Delete removes a webhook, its entry in the index and its share of the limits.
// The id is not reused. It returns WebhookNotFound, or ChangedMeanwhile when it keeps
// conflicting with other writes of the tenant.
func (s *Store) Delete(ctx context.Context, key webhook.Key) error {
	if key.ID <= tenantItem {
		return apperr.New(apperr.WebhookNotFound)
	}
	return s.retryConflicts(ctx, apperr.ChangedMeanwhile, func() error {
		stored, err := s.read(ctx, key)
		if err != nil {
			return err
		}
		writes, err := s.deletion(ctx, stored)
		if err != nil {
			return err
		}
		return s.commit(ctx, writes, fmt.Sprintf("delete webhook %d", key.ID))
	})
}

// deletion returns the writes that delete a webhook if it still has the revision that
// was read: a change of its URL changes the host.
func (s *Store) deletion(ctx context.Context, stored record) ([]types.TransactWriteItem, error) {
	own, err := s.newDelete(itemKey(stored.key()), expression.Name(revision).Equal(expression.Value(stored.Revision)))
	if err != nil {
		return nil, err
	}
	tenant, err := s.removeFromTenant(stored.key())
	if err != nil {
		return nil, err
	}
	host, err := s.uncountHost(ctx, stored.TenantID, guard.Host(stored.URL))
	return append([]types.TransactWriteItem{{Delete: own}, {Update: tenant}}, host...), err
}
