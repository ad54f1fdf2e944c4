package eventdb

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"webhooks/shared/aws/dynamo"
	"webhooks/shared/event"
)

// GetHashes returns the hashes of the events that are stored and have not expired
// at now, with a strongly consistent read. It returns TemporarilyUnavailable if
// DynamoDB leaves keys unprocessed in every try.
func (s *Store) GetHashes(ctx context.Context, keys []event.Key, now time.Time) (map[event.Key]event.Hash, error) {
	rows, err := dynamo.BatchGet(ctx, s.client, dynamo.Backoff, s.HashKeys(keys))
	if err != nil {
		return nil, fmt.Errorf("read stored events: %w", err)
	}
	return s.ReadHashes(keys, rows, now)
}

// HashKeys returns the keys of the rows that ReadHashes needs, for a caller that
// reads several tables in one request.
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

// ReadHashes returns the result of GetHashes from rows, which maps each table to
// the items that were read for HashKeys.
func (s *Store) ReadHashes(keys []event.Key, rows map[string][]dynamo.Item, now time.Time) (map[event.Key]event.Hash, error) {
	byRow := make(map[string]event.Key, len(keys))
	for _, key := range keys {
		byRow[rowKey(key)] = key
	}
	hashes := make(map[event.Key]event.Hash, len(keys))
	for _, item := range rows[s.table] {
		var r row
		if err := attributevalue.UnmarshalMap(item, &r); err != nil {
			return nil, fmt.Errorf("read a stored event: %w", err)
		}
		// DynamoDB may delete an expired item days late:
		// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
		if r.TTL > now.Unix() && len(r.Hash) == len(event.Hash{}) {
			hashes[byRow[r.Event]] = event.Hash(r.Hash)
		}
	}
	return hashes, nil
}
