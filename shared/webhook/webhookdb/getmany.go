package webhookdb

import (
	"context"
	"sync"
	"time"

	"webhooks/shared/aws/dynamo"
	"webhooks/shared/webhook"
)

// GetMany returns the webhooks of keys, the enabled ones with the secrets that
// sign at now. A key without a webhook is in neither map. A webhook that cannot
// be decoded or decrypted is in unreadable, with its own error: a failing data
// key of one tenant does not affect other tenants. GetMany fails as a whole,
// with TemporarilyUnavailable, if DynamoDB keeps leaving keys unread.
func (s *Store) GetMany(ctx context.Context, keys []webhook.Key, now time.Time) (found map[webhook.Key]webhook.Webhook, unreadable map[webhook.Key]error, err error) {
	wanted, seen := dynamo.Keys{Table: s.table}, make(map[webhook.Key]bool, len(keys))
	for _, key := range keys {
		if key.ID > tenantItem && !seen[key] {
			seen[key] = true
			wanted.Keys = append(wanted.Keys, itemKey(key))
		}
	}
	rows, err := dynamo.BatchGet(ctx, s.client, s.pause, wanted)
	if err != nil {
		return nil, nil, err
	}
	items := rows[s.table]
	found, unreadable = make(map[webhook.Key]webhook.Webhook, len(items)), make(map[webhook.Key]error)
	for _, o := range s.openAll(ctx, items, now) {
		if o.err != nil {
			unreadable[o.key] = o.err
			continue
		}
		found[o.key] = o.webhook
	}
	return found, unreadable, nil
}

// opened is an item after decoding and decryption.
type opened struct {
	key     webhook.Key
	webhook webhook.Webhook
	err     error
}

// openAll opens items concurrently. The webhooks of one tenant share one KMS call;
// the calls for several tenants run in parallel.
func (s *Store) openAll(ctx context.Context, items []item, now time.Time) []opened {
	all := make([]opened, len(items))
	var group sync.WaitGroup
	for i, stored := range items {
		group.Go(func() { all[i] = s.openItem(ctx, stored, now) })
	}
	group.Wait()
	return all
}

func (s *Store) openItem(ctx context.Context, stored item, now time.Time) opened {
	key, err := decodeKey(stored)
	if err != nil {
		return opened{err: err}
	}
	r, err := decodeRecord(stored)
	if err != nil {
		return opened{key: key, err: err}
	}
	if !r.Enabled {
		return opened{key: key, webhook: r.webhook()} // a disabled webhook signs nothing
	}
	w, err := s.openSecrets(ctx, r, now)
	return opened{key, w, err}
}
