package webhookdb

import "webhooks/shared/aws/dynamo"

// WithPause replaces [dynamo.Backoff] as the wait between tries.
func WithPause(pause dynamo.Pause) Option { return func(s *Store) { s.pause = pause } }
