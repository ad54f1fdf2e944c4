package webhookdb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
	"webhooks/shared/webhook"
)

// Update replaces a webhook by what change makes of it and returns the new one.
// Change is called again, with what was stored meanwhile, when somebody else
// changed the webhook first; its error ends the update and is returned as it
// is. Key, creation time and revision are not its to change.
//
// Every update seals the secrets anew, so that those stored as they are, or
// under an earlier data key, move to the current one, and leaves out replaced
// secrets that have expired.
//
// Update returns WebhookNotFound, ChangedMeanwhile when other writes kept
// coming in between, or TemporarilyUnavailable when the vault cannot open or
// seal the secrets now.
func (s *Store) Update(ctx context.Context, key webhook.Key, now time.Time, change func(webhook.Webhook) (webhook.Webhook, error)) (webhook.Webhook, error) {
	var updated webhook.Webhook
	err := s.again(ctx, apperr.ChangedMeanwhile, func() error {
		stored, err := s.read(ctx, key)
		if err != nil {
			return err
		}
		current, err := s.open(ctx, stored, now)
		if err != nil {
			return err
		}
		if updated, err = change(current); err != nil {
			return err
		}
		updated.TenantID, updated.ID, updated.CreatedAt = current.TenantID, current.ID, current.CreatedAt
		updated.UpdatedAt = wholeSeconds(now)
		// Also when nothing else differs: who enables an enabled webhook again
		// must not lose to a Disable that is under way.
		updated.Revision = current.Revision + 1
		sealing, err := s.currentKey(ctx, key.TenantID, now)
		if err != nil {
			return err
		}
		return s.replace(ctx, stored, seal(updated, sealing))
	})
	if err != nil {
		return webhook.Webhook{}, err
	}
	return updated, nil
}

// errOther says that a webhook is not the revision to disable.
var errOther = errors.New("another revision")

// Disable turns a webhook off if it is still enabled and of this revision, and
// reports whether it did: a receiver that answered 410 speaks about the webhook
// that was called, not about what the customer made of it since.
//
// It leaves the secrets sealed: a receiver that is gone needs none.
func (s *Store) Disable(ctx context.Context, key webhook.Key, revision int64, now time.Time) (bool, error) {
	err := s.again(ctx, apperr.ChangedMeanwhile, func() error {
		stored, err := s.read(ctx, key)
		if err != nil {
			return err
		}
		if stored.Revision != revision || !stored.Enabled {
			return errOther
		}
		disabled := stored
		disabled.Enabled, disabled.UpdatedAt, disabled.Revision = false, wholeSeconds(now), stored.Revision+1
		disabled.PreviousSecrets = unexpired(stored.PreviousSecrets, now)
		return s.replace(ctx, stored, disabled)
	})
	if errors.Is(err, errOther) || apperr.Is(err, apperr.WebhookNotFound) {
		return false, nil
	}
	return err == nil, err
}

func unexpired(all []previousSecret, now time.Time) []previousSecret {
	live := make([]previousSecret, 0, len(all))
	for _, p := range all {
		if now.Before(p.ExpiresAt) {
			live = append(live, p)
		}
	}
	return live
}

// replace writes updated over current, and its mask into the index if that is
// another one. Item 0 is left alone otherwise: it is up to 10 KB, and every
// other change of the tenant would wait for it.
func (s *Store) replace(ctx context.Context, current, updated record) error {
	own, err := s.ownUpdate(updated, current.Revision)
	if err != nil {
		return err
	}
	mask := updated.webhook().Mask()
	if mask == current.webhook().Mask() {
		_, err = s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName:                 own.TableName,
			Key:                       own.Key,
			UpdateExpression:          own.UpdateExpression,
			ConditionExpression:       own.ConditionExpression,
			ExpressionAttributeNames:  own.ExpressionAttributeNames,
			ExpressionAttributeValues: own.ExpressionAttributeValues,
		})
	} else {
		err = s.replaceIndexed(ctx, own, updated.key(), mask)
	}
	if err != nil {
		return failed(err, fmt.Sprintf("update webhook %d", updated.WebhookID))
	}
	return nil
}

func (s *Store) replaceIndexed(ctx context.Context, own *types.Update, key webhook.Key, mask webhook.Mask) error {
	entry := indexEntry(key.ID)
	tenant, err := s.tenantUpdate(key.TenantID, expression.Set(entry, expression.Value(mask)), entry.AttributeExists())
	if err != nil {
		return err
	}
	_, err = s.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
		TransactItems: []types.TransactWriteItem{{Update: own}, {Update: tenant}},
	})
	return err
}

// ownUpdate sets the webhook's own attributes and no others, if the webhook is
// still of the revision that was read.
func (s *Store) ownUpdate(r record, read int64) (*types.Update, error) {
	encoded, err := r.encode()
	if err != nil {
		return nil, err
	}
	var update expression.UpdateBuilder
	for _, name := range slices.Sorted(maps.Keys(encoded)) {
		switch name {
		case tenantID, webhookID, createdAt:
		default:
			update = update.Set(expression.Name(name), expression.Value(encoded[name]))
		}
	}
	if len(r.DataKey) == 0 {
		update = update.Remove(expression.Name(dataKey)) // of secrets that are encrypted no longer
	}
	return s.update(r.key(), update, expression.Name(revision).Equal(expression.Value(read)))
}
