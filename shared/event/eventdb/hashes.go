package eventdb

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/aws/dynamo"
	"webhooks/shared/event"
)

// GetHashes returns the hashes of the events that are stored and have not expired
// at now, with a strongly consistent read. failed has the error of each event that
// could not be read: TemporarilyUnavailable if DynamoDB leaves its key unprocessed in
// every try.
func (s *Store) GetHashes(ctx context.Context, keys []event.Key, now time.Time) (hashes map[event.Key]event.Hash, failed map[event.Key]error) {
	return s.ReadHashes(keys, dynamo.BatchGet(ctx, s.client, dynamo.Backoff, s.HashKeys(keys)), now)
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

// ReadHashes returns the result of GetHashes from what was read for HashKeys.
func (s *Store) ReadHashes(keys []event.Key, read dynamo.Read, now time.Time) (hashes map[event.Key]event.Hash, failed map[event.Key]error) {
	hashes, failed = make(map[event.Key]event.Hash, len(keys)), make(map[event.Key]error)
	byRow := make(map[string]event.Key, len(keys))
	for _, key := range keys {
		name := rowKey(key)
		byRow[name] = key
		if err := read.Failed(s.table, itemKey(name)); err != nil {
			failed[key] = fmt.Errorf("read event %s: %w", name, err)
		}
	}
	for _, item := range read.Rows[s.table] {
		name, _ := item["event"].(*types.AttributeValueMemberS)
		if name == nil {
			continue // unreachable: DynamoDB returns rows with the keys that were asked for
		}
		var r row
		if err := attributevalue.UnmarshalMap(item, &r); err != nil {
			failed[byRow[name.Value]] = fmt.Errorf("read event %s: %w", name.Value, err)
			continue
		}
		// DynamoDB may delete an expired item days late:
		// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
		if r.TTL > now.Unix() && len(r.Hash) == len(event.Hash{}) {
			hashes[byRow[r.Event]] = event.Hash(r.Hash)
		}
	}
	return hashes, failed
}
