package webhookdb

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
	"webhooks/shared/aws/dynamo"
	"webhooks/shared/guard"
	"webhooks/shared/webhook"
)

// prepared is a change of a webhook that is ready to be stored.
type prepared struct {
	webhook webhook.Webhook           // after the change, with its secrets
	writes  []types.TransactWriteItem // its item, its host if that changes, and item 0 if the index does
	// counts says that the second write counts the webhook of a host, and fails at the
	// host's limit.
	counts bool
}

// prepare returns the writes that make w, with its secrets sealed, the next revision
// of stored, and update the index of tenant to match. A record without a revision is
// new.
func (s *Store) prepare(ctx context.Context, tenant tenantRecord, stored record, w webhook.Webhook, sealed secrets, now time.Time) (prepared, error) {
	p, next := prepared{}, stored.next(w, sealed, now)
	var err error
	if stored.Revision == 0 {
		p.counts = true
		p.writes, err = s.insert(next)
	} else {
		p.counts = guard.Host(stored.URL) != guard.Host(next.URL)
		p.writes, err = s.replace(ctx, tenant, stored, next)
	}
	if err != nil {
		return prepared{}, err
	}
	p.webhook = next.webhook()
	p.webhook.Secret, p.webhook.PreviousSecrets = w.Secret, w.PreviousSecrets
	return p, nil
}

// store makes the writes of p. It returns TooManyForHost at the limit of a host. An
// error begins with what was attempted.
func (s *Store) store(ctx context.Context, p prepared, what string) error {
	err := s.commit(ctx, p.writes, what)
	if p.counts && conditionFailed(err, 1) {
		return apperr.New(apperr.TooManyForHost, s.perHost, guard.Host(p.webhook.URL))
	}
	return err
}

// next returns the record that follows r. The key and the creation time do not change.
// The revision increases even if nothing else changes: a customer who enables an
// enabled webhook must win against a Disable that is in flight. A new address begins
// healthy.
func (r record) next(w webhook.Webhook, sealed secrets, now time.Time) record {
	if r.Revision == 0 || r.webhook().Moves(w) {
		r.Address++
		r.Health = webhook.Health{}
	}
	r.Format = webhookFormat
	r.Name, r.URL, r.Events, r.Enabled = w.Name, w.URL, w.Events, w.Enabled
	if r.RateLimit != w.RateLimit {
		r.RateLimit, r.NextSlot = w.RateLimit, time.Time{}
	}
	r.secrets = sealed
	r.UpdatedAt = wholeSeconds(now)
	if r.Revision == 0 {
		r.CreatedAt = r.UpdatedAt
	}
	r.Revision++
	return r
}

// insert returns the writes of a new webhook.
func (s *Store) insert(next record) ([]types.TransactWriteItem, error) {
	put, err := s.putNew(next)
	if err != nil {
		return nil, err
	}
	tenant, err := s.addToTenant(next.key(), next.webhook().Mask())
	if err != nil {
		return nil, err
	}
	host, err := s.countHost(next.TenantID, guard.Host(next.URL))
	return []types.TransactWriteItem{{Put: put}, host, {Update: tenant}}, err
}

// replace returns the writes that replace stored by next. Item 0 is among them
// only if the index differs from next: it is up to 10 KB, and every other change of
// the tenant would conflict with the write. An entry changes with the revision of its
// webhook only, so it is still what tenant has if the revision is.
func (s *Store) replace(ctx context.Context, tenant tenantRecord, stored, next record) ([]types.TransactWriteItem, error) {
	own, err := s.updateOwn(stored, next)
	if err != nil {
		return nil, err
	}
	host, err := s.moveHost(ctx, next.TenantID, stored.URL, next.URL)
	if err != nil {
		return nil, err
	}
	writes := append([]types.TransactWriteItem{{Update: own}}, host...)
	entry := tenant.entry(next.WebhookID)
	mask := next.webhook().MaskAfter(entry)
	if mask == entry {
		return writes, nil
	}
	index, err := s.updateIndex(next.key(), mask)
	if err != nil {
		return nil, err
	}
	return append(writes, types.TransactWriteItem{Update: index}), nil
}

// putNew puts the item of a webhook unless one exists.
func (s *Store) putNew(r record) (*types.Put, error) {
	encoded, err := r.encode()
	if err != nil {
		return nil, err
	}
	built, err := expression.NewBuilder().WithCondition(expression.Name(tenantID).AttributeNotExists()).Build()
	if err != nil {
		return nil, err
	}
	return &types.Put{
		TableName:                 &s.table,
		Item:                      encoded,
		ConditionExpression:       built.Condition(),
		ExpressionAttributeNames:  built.Names(),
		ExpressionAttributeValues: built.Values(),
	}, nil
}

// updateOwn sets the attributes of next and no others, if the webhook still has the
// revision of stored. It removes the health of an address that the webhook leaves, and
// the slots of a rate limit that ends.
func (s *Store) updateOwn(stored, next record) (*types.Update, error) {
	encoded, err := next.encode()
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
	for _, optional := range []string{dataKey, rateLimit} { // the webhook may have had it before
		if _, has := encoded[optional]; !has {
			set = set.Remove(expression.Name(optional))
		}
	}
	if next.RateLimit != stored.RateLimit {
		set = set.Remove(expression.Name(nextSlot)) // another limit counts at once
	}
	if next.Address != stored.Address {
		for _, name := range healthAttributes {
			set = set.Remove(expression.Name(name))
		}
	}
	return s.newUpdate(next.key(), set, expression.Name(revision).Equal(expression.Value(stored.Revision)))
}

// newUpdate returns a conditional update of one item.
func (s *Store) newUpdate(key webhook.Key, set expression.UpdateBuilder, condition expression.ConditionBuilder) (*types.Update, error) {
	built, err := expression.NewBuilder().WithUpdate(set).WithCondition(condition).Build()
	if err != nil {
		return nil, err
	}
	return &types.Update{
		TableName:                 &s.table,
		Key:                       itemKey(key),
		UpdateExpression:          built.Update(),
		ConditionExpression:       built.Condition(),
		ExpressionAttributeNames:  built.Names(),
		ExpressionAttributeValues: built.Values(),
	}, nil
}

// commit makes writes in one call: a lone update by UpdateItem, which costs
// half as much as a transaction, and anything else by TransactWriteItems. An
// error begins with what was attempted.
func (s *Store) commit(ctx context.Context, writes []types.TransactWriteItem, what string) error {
	var err error
	if len(writes) == 1 && writes[0].Update != nil {
		_, err = s.updateItem(ctx, writes[0].Update, types.ReturnValueNone)
	} else {
		_, err = s.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, dynamo.Classify(err))
	}
	return nil
}

// updateItem makes one update outside a transaction and returns the attributes
// that returned selects. It returns the SDK's errors unchanged.
func (s *Store) updateItem(ctx context.Context, update *types.Update, returned types.ReturnValue) (item, error) {
	out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           update.TableName,
		Key:                                 update.Key,
		UpdateExpression:                    update.UpdateExpression,
		ConditionExpression:                 update.ConditionExpression,
		ExpressionAttributeNames:            update.ExpressionAttributeNames,
		ExpressionAttributeValues:           update.ExpressionAttributeValues,
		ReturnValues:                        returned,
		ReturnValuesOnConditionCheckFailure: update.ReturnValuesOnConditionCheckFailure,
	})
	if err != nil {
		return nil, err
	}
	return out.Attributes, nil
}
