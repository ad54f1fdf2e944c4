package webhookdb

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
	"webhooks/shared/webhook"
)

// maxBatch is how many keys a BatchGetItem takes.
const maxBatch = 100

var errLeftOut = errors.New("DynamoDB left keys of a batch unread")

// GetMany returns the webhooks of keys as they are now, those that are enabled
// with their secrets. A key without a webhook is not in the answer. What cannot
// be opened or read is in unreadable with its own error: the trouble of one
// tenant's data key holds up nobody else. GetMany fails as a whole, with
// TemporarilyUnavailable, when DynamoDB keeps leaving keys unread.
func (s *Store) GetMany(ctx context.Context, keys []webhook.Key) (found map[webhook.Key]webhook.Webhook, unreadable map[webhook.Key]error, err error) {
	wanted := make(map[webhook.Key]struct{}, len(keys))
	for _, key := range keys {
		if key.ID > tenantItem {
			wanted[key] = struct{}{}
		}
	}
	items, err := s.batchGet(ctx, wanted)
	if err != nil {
		return nil, nil, err
	}
	found, unreadable = make(map[webhook.Key]webhook.Webhook, len(items)), make(map[webhook.Key]error)
	for _, o := range s.openAll(ctx, items) {
		if o.err != nil {
			unreadable[o.key] = o.err
			continue
		}
		found[o.key] = o.webhook
	}
	return found, unreadable, nil
}

type opened struct {
	key     webhook.Key
	webhook webhook.Webhook
	err     error
}

// openAll opens items at once: those of a tenant wait for one call of the
// vault, those of several tenants for theirs side by side.
func (s *Store) openAll(ctx context.Context, items []item) []opened {
	all := make([]opened, len(items))
	var group sync.WaitGroup
	for i, stored := range items {
		group.Go(func() { all[i] = s.openItem(ctx, stored) })
	}
	group.Wait()
	return all
}

func (s *Store) openItem(ctx context.Context, stored item) opened {
	key, err := decodeKey(stored)
	if err != nil {
		return opened{err: err}
	}
	r, err := decodeRecord(stored)
	if err != nil {
		return opened{key: key, err: err}
	}
	if !r.Enabled {
		return opened{key: key, webhook: r.webhook()} // nothing will be signed
	}
	w, err := s.open(ctx, r)
	return opened{key, w, err}
}

// Indexes returns the subscription index of each of the tenants. A tenant that
// never had a webhook has an empty one. It returns TemporarilyUnavailable when
// DynamoDB keeps leaving keys unread.
func (s *Store) Indexes(ctx context.Context, tenantIDs []string) (map[string]webhook.Index, error) {
	wanted := make(map[webhook.Key]struct{}, len(tenantIDs))
	indexes := make(map[string]webhook.Index, len(tenantIDs))
	for _, tenant := range tenantIDs {
		wanted[webhook.Key{TenantID: tenant, ID: tenantItem}] = struct{}{}
		indexes[tenant] = webhook.Index{}
	}
	items, err := s.batchGet(ctx, wanted)
	if err != nil {
		return nil, err
	}
	for _, stored := range items {
		tenant, err := decodeTenant(stored)
		if err != nil {
			return nil, err
		}
		if indexes[tenant.TenantID], err = tenant.webhookIndex(); err != nil {
			return nil, err
		}
	}
	return indexes, nil
}

// batchGet reads the items of distinct keys (DynamoDB refuses a batch with the
// same key twice), in no order.
func (s *Store) batchGet(ctx context.Context, wanted map[webhook.Key]struct{}) ([]item, error) {
	keys := make([]item, 0, len(wanted))
	for key := range wanted {
		keys = append(keys, itemKey(key))
	}
	var items []item
	for chunk := range slices.Chunk(keys, maxBatch) {
		read, err := s.batchGetChunk(ctx, chunk)
		if err != nil {
			return nil, err
		}
		items = append(items, read...)
	}
	return items, nil
}

// batchGetChunk reads one batch, and what DynamoDB leaves out of it (when
// throttled, or past 16 MB) again after a pause.
func (s *Store) batchGetChunk(ctx context.Context, keys []item) ([]item, error) {
	request := map[string]types.KeysAndAttributes{
		s.table: {Keys: keys, ConsistentRead: aws.Bool(true)},
	}
	var items []item
	for n := range maxTries {
		out, err := s.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: request})
		if err != nil {
			return nil, failed(err, "read a batch")
		}
		items = append(items, out.Responses[s.table]...)
		if len(out.UnprocessedKeys) == 0 {
			return items, nil
		}
		request = out.UnprocessedKeys
		if err := s.pause(ctx, n); err != nil {
			return nil, apperr.Wrap(errors.Join(errLeftOut, err), apperr.TemporarilyUnavailable)
		}
	}
	return nil, apperr.Wrap(errLeftOut, apperr.TemporarilyUnavailable)
}
