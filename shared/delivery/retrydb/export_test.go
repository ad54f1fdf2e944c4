package retrydb

import "webhooks/shared/aws/dynamo"

// SetPause replaces [dynamo.Backoff], the wait before unprocessed writes are sent
// again.
func (s *Store) SetPause(pause dynamo.Pause) { s.pause = pause }
