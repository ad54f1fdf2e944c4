package webhookdb

import (
	"fmt"

	"webhooks/shared/aws/dynamo"
	"webhooks/shared/webhook"
)

// IndexKeys returns the keys of the items that hold the tenants' subscription
// indexes. The caller reads them, perhaps in one request with items of other
// tables, and passes the result to [Store.ReadIndexes].
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

// ReadIndexes returns the subscription index of each tenant from what was read for
// [Store.IndexKeys]. A tenant that never had a webhook has an empty index. failed
// has the error of each tenant whose index could not be read, which is
// TemporarilyUnavailable when DynamoDB is overloaded.
func (s *Store) ReadIndexes(tenantIDs []string, read dynamo.Read) (indexes map[string]webhook.Index, failed map[string]error) {
	indexes, failed = make(map[string]webhook.Index, len(tenantIDs)), make(map[string]error)
	for _, tenant := range tenantIDs {
		if indexes[tenant] != nil {
			continue // the same tenant again
		}
		if err := read.Failed(s.table, itemKey(webhook.Key{TenantID: tenant, ID: tenantItem})); err != nil {
			failed[tenant] = fmt.Errorf("read the webhooks of tenant %s: %w", tenant, err)
			continue
		}
		indexes[tenant] = webhook.Index{}
	}
	for _, stored := range read.Rows[s.table] {
		key, err := decodeKey(stored)
		if err != nil {
			continue // unreachable: DynamoDB returns rows with the keys that were asked for
		}
		if indexes[key.TenantID], err = decodeIndex(stored); err != nil {
			failed[key.TenantID] = err
			delete(indexes, key.TenantID)
		}
	}
	return indexes, failed
}

func decodeIndex(stored item) (webhook.Index, error) {
	tenant, err := decodeTenant(stored)
	if err != nil {
		return nil, err
	}
	return tenant.subscriptions()
}
