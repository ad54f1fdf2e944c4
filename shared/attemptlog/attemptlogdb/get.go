package attemptlogdb

import (
	"context"
	"time"

	"webhooks/shared/apperr"
	"webhooks/shared/attemptlog"
	"webhooks/shared/webhook"
)

// Get returns log id of a webhook. The error is LogNotFound if the log does not
// exist or has expired at now, and TemporarilyUnavailable if DynamoDB throttles.
func (s *Store) Get(ctx context.Context, key webhook.Key, id int64, now time.Time) (attemptlog.Log, error) {
	logs, err := s.window(ctx, key, attemptlog.Window{Low: id, High: id}, now)
	if err != nil {
		return attemptlog.Log{}, err
	}
	if len(logs) == 0 {
		return attemptlog.Log{}, apperr.New(apperr.LogNotFound)
	}
	return logs[0], nil
}
