package eventdb

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"webhooks/shared/aws/dynamo"
	"webhooks/shared/event"
)

// GetHashes returns the hashes of those keys that are stored and not expired at
// now. The read is strongly consistent. It returns TemporarilyUnavailable when
// DynamoDB keeps leaving keys unread.
func (s *Store) GetHashes(ctx context.Context, keys []event.Key, now time.Time) (map[event.Key]event.Hash, error) {
	rows, err := dynamo.BatchGet(ctx, s.client, s.pause, s.HashKeys(keys))
	if err != nil {
		return nil, fmt.Errorf("read known events: %w", err)
	}
	return s.ReadHashes(keys, rows, now)
}

// HashKeys are the rows of the events of keys, for one who reads them together
// with others and gives them to ReadHashes.
func (s *Store) HashKeys(keys []event.Key) dynamo.Keys {
	wanted := dynamo.Keys{Table: s.table, Attributes: []string{"event", "hash", "ttl"}}
	seen := make(map[event.Key]bool, len(keys))
	for _, key := range keys {
		if !seen[key] {
			seen[key] = true
			wanted.Keys = append(wanted.Keys, itemKey(rowKey(key)))
		}
	}
	return wanted
}

// ReadHashes returns what GetHashes does, of the rows by table that were read for
// HashKeys.
func (s *Store) ReadHashes(keys []event.Key, rows map[string][]dynamo.Item, now time.Time) (map[event.Key]event.Hash, error) {
	byRow := make(map[string]event.Key, len(keys))
	for _, key := range keys {
		byRow[rowKey(key)] = key
	}
	known := make(map[event.Key]event.Hash, len(keys))
	for _, item := range rows[s.table] {
		var r row
		if err := attributevalue.UnmarshalMap(item, &r); err != nil {
			return nil, fmt.Errorf("read a known event: %w", err)
		}
		// DynamoDB deletes expired items days late:
		// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
		if r.TTL > now.Unix() && len(r.Hash) == len(event.Hash{}) {
			known[byRow[r.Event]] = event.Hash(r.Hash)
		}
	}
	return known, nil
}
