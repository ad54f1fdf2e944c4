package webhookdb

import (
	"context"
	"sync"
	"time"

	"webhooks/shared/aws/dynamo"
	"webhooks/shared/webhook"
)

// GetMany returns the webhooks of keys as they are now, those that are enabled
// with their secrets. A key without a webhook is not in the answer. What cannot
// be opened or read is in unreadable with its own error: the trouble of one
// tenant's data key holds up nobody else. GetMany fails as a whole, with
// TemporarilyUnavailable, when DynamoDB keeps leaving keys unread.
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

type opened struct {
	key     webhook.Key
	webhook webhook.Webhook
	err     error
}

// openAll opens items at once: those of a tenant wait for one call of the
// vault, those of several tenants for theirs side by side.
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
		return opened{key: key, webhook: r.webhook()} // nothing will be signed
	}
	w, err := s.open(ctx, r, now)
	return opened{key, w, err}
}

// IndexKeys are the rows of the tenants' indexes, for one who reads them
// together with others and gives them to ReadIndexes.
func (s *Store) IndexKeys(tenantIDs []string) dynamo.Keys {
	wanted, seen := dynamo.Keys{Table: s.table}, make(map[string]bool, len(tenantIDs))
	for _, tenant := range tenantIDs {
		if !seen[tenant] {
			seen[tenant] = true
			wanted.Keys = append(wanted.Keys, itemKey(webhook.Key{TenantID: tenant, ID: tenantItem}))
		}
	}
	return wanted
}

// ReadIndexes returns the indexes of the tenants, of the rows by table that
// were read for IndexKeys.
func (s *Store) ReadIndexes(tenantIDs []string, rows map[string][]dynamo.Item) (map[string]webhook.Index, error) {
	indexes := make(map[string]webhook.Index, len(tenantIDs))
	for _, tenant := range tenantIDs {
		indexes[tenant] = webhook.Index{}
	}
	for _, stored := range rows[s.table] {
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
