package webhookdb

import (
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

// ReadIndexes returns the subscription index of each tenant. Rows are the items
// read for [Store.IndexKeys], by table. A tenant that never had a webhook has an
// empty index.
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
		if indexes[tenant.TenantID], err = tenant.subscriptions(); err != nil {
			return nil, err
		}
	}
	return indexes, nil
}
