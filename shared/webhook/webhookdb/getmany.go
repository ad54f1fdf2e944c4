package webhookdb

import (
	"context"
	"fmt"
	"sync"
	"time"

	"webhooks/shared/aws/dynamo"
	"webhooks/shared/webhook"
)

// GetMany returns the webhooks of keys, the enabled ones with the secrets that
// sign at now. A key without a webhook is in neither map. A webhook that cannot be
// read, decoded or decrypted is in unreadable, with its own error: a hot key or a
// failing data key of one tenant does not affect other tenants. The error is
// TemporarilyUnavailable if DynamoDB is overloaded.
func (s *Store) GetMany(ctx context.Context, keys []webhook.Key, now time.Time) (found map[webhook.Key]webhook.Webhook, unreadable map[webhook.Key]error) {
	wanted, seen := dynamo.Keys{Table: s.table}, make(map[webhook.Key]bool, len(keys))
	for _, key := range keys {
		if key.ID > tenantItem && !seen[key] {
			seen[key] = true
			wanted.Keys = append(wanted.Keys, itemKey(key))
		}
	}
	read := dynamo.BatchGet(ctx, s.client, s.pause, wanted)
	items := read.Rows[s.table]
	found, unreadable = make(map[webhook.Key]webhook.Webhook, len(items)), make(map[webhook.Key]error)
	for key := range seen {
		if err := read.Failed(s.table, itemKey(key)); err != nil {
			unreadable[key] = fmt.Errorf("read webhook %d: %w", key.ID, err)
		}
	}
	for _, o := range s.openAll(ctx, items, now) {
		if o.err != nil {
			unreadable[o.key] = o.err
			continue
		}
		found[o.key] = o.webhook
	}
	return found, unreadable
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
