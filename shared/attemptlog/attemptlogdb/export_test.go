package attemptlogdb

import (
	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/dynamo"
	"webhooks/shared/webhook"
)

// ChunkKey returns the key of a chunk, with which a test can read or delete its item.
func ChunkKey(key webhook.Key, first int64) dynamo.Item {
	return dynamo.Item{bucketName: text(bucketKey(key, idBucket, attemptlog.Bucket(first))), sortName: number(first)}
}

// CounterKey returns the key of item 0.
func CounterKey(key webhook.Key) dynamo.Item { return counterKey(key) }

// SetPause replaces [dynamo.Backoff], the wait before unprocessed writes are sent
// again.
func (s *Store) SetPause(pause dynamo.Pause) { s.pause = pause }
