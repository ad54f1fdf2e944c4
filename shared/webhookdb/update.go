package webhookdb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

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
// Update returns WebhookNotFound, or ChangedMeanwhile when other writes kept
// coming in between.
func (s *Store) Update(ctx context.Context, key webhook.Key, change func(webhook.Webhook) (webhook.Webhook, error)) (webhook.Webhook, error) {
	var updated webhook.Webhook
	err := s.again(ctx, apperr.ChangedMeanwhile, func() error {
		current, err := s.Get(ctx, key)
		if err != nil {
			return err
		}
		if updated, err = change(current); err != nil {
			return err
		}
		updated.TenantID, updated.ID, updated.CreatedAt = current.TenantID, current.ID, current.CreatedAt
		updated.UpdatedAt = s.second()
		// Also when nothing else differs: who enables an enabled webhook again
		// must not lose to a Disable that is under way.
		updated.Revision = current.Revision + 1
		return s.replace(ctx, current, updated)
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
func (s *Store) Disable(ctx context.Context, key webhook.Key, revision int64) (bool, error) {
	_, err := s.Update(ctx, key, func(w webhook.Webhook) (webhook.Webhook, error) {
		if w.Revision != revision || !w.Enabled {
			return webhook.Webhook{}, errOther
		}
		w.Enabled = false
		return w, nil
	})
	if errors.Is(err, errOther) || apperr.Is(err, apperr.WebhookNotFound) {
		return false, nil
	}
	return err == nil, err
}

// replace writes updated over current, and its mask into the index if that is
// another one. Item 0 is left alone otherwise: it is up to 10 KB, and every
// other change of the tenant would wait for it.
func (s *Store) replace(ctx context.Context, current, updated webhook.Webhook) error {
	own, err := s.ownUpdate(updated, current.Revision)
	if err != nil {
		return err
	}
	if current.Mask() == updated.Mask() {
		_, err = s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName:                 own.TableName,
			Key:                       own.Key,
			UpdateExpression:          own.UpdateExpression,
			ConditionExpression:       own.ConditionExpression,
			ExpressionAttributeNames:  own.ExpressionAttributeNames,
			ExpressionAttributeValues: own.ExpressionAttributeValues,
		})
	} else {
		err = s.replaceIndexed(ctx, own, updated)
	}
	if err != nil {
		return failed(err, fmt.Sprintf("update webhook %d", updated.ID))
	}
	return nil
}

func (s *Store) replaceIndexed(ctx context.Context, own *types.Update, updated webhook.Webhook) error {
	entry := indexEntry(updated.ID)
	tenant, err := s.tenantUpdate(updated.TenantID, expression.Set(entry, expression.Value(updated.Mask())), entry.AttributeExists())
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
func (s *Store) ownUpdate(w webhook.Webhook, read int64) (*types.Update, error) {
	encoded, err := encodeWebhook(w)
	if err != nil {
		return nil, err
	}
	var set expression.UpdateBuilder
	for _, name := range slices.Sorted(maps.Keys(encoded)) {
		switch name {
		case tenantID, webhookID, createdAt:
		default:
			set = set.Set(expression.Name(name), expression.Value(encoded[name]))
		}
	}
	return s.update(w.Key(), set, expression.Name(revision).Equal(expression.Value(read)))
}
