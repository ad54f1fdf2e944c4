package attemptlogdb

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/aws/dynamo"
	"webhooks/shared/webhook"
)

// PrimaryKey returns the key of a log, with which a test can read or delete its item.
func PrimaryKey(key webhook.Key, id int64) map[string]types.AttributeValue {
	return primaryKey(key, id)
}

// SetPause replaces [dynamo.Backoff], the wait before unprocessed writes are sent
// again.
func (s *Store) SetPause(pause dynamo.Pause) { s.pause = pause }
