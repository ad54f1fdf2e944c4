package dispatch

import (
	"context"
	"time"

	"webhooks/shared/attemptlog"
	"webhooks/shared/webhook"
)

// queuedLogDelay is how long logs that could not be written wait in the queue.
const queuedLogDelay = time.Minute

// logKey identifies a log within a flush.
type logKey struct {
	webhook webhook.Key
	eventID string
	attempt int
	at      int64 // Unix milliseconds
}

func keyOf(l attemptlog.Log) logKey {
	return logKey{l.Webhook(), l.EventID, l.Attempt, l.CreatedAt.UnixMilli()}
}

// refusedLogs are logs that neither the table nor the queue accepted.
type refusedLogs struct {
	chunk attemptlog.Chunk
	err   error // of the queue
}

// writeLogs writes the logs of list and returns those that the table did not
// accept.
func (d *Dispatcher) writeLogs(ctx context.Context, list []settled) []attemptlog.Chunk {
	logs := make([]attemptlog.Log, 0, len(list))
	var queued []attemptlog.Chunk
	for i := range list {
		s := &list[i]
		switch {
		case s.failure != nil:
		case s.message.queued != nil:
			queued = append(queued, *s.message.queued)
		case s.log != nil:
			logs = append(logs, *s.log)
		}
	}
	chunks := append(attemptlog.Chunks(logs), queued...)
	if len(chunks) == 0 {
		return nil
	}
	ctx, cancel := reserve(ctx, queueTime)
	defer cancel()
	unwritten, err := d.appendLogs(ctx, chunks)
	switch {
	case err != nil && len(unwritten) == 0:
		d.Log.ErrorContext(ctx, "log ids had to be reserved again", "error", err.Error())
	case err != nil:
		count := 0
		for _, c := range unwritten {
			count += len(c.Logs)
		}
		d.Log.ErrorContext(ctx, "logs could not be written and are queued", "logs", count, "error", err.Error())
	}
	return unwritten
}

// appendLogs returns the logs that the table did not accept, and why.
func (d *Dispatcher) appendLogs(ctx context.Context, chunks []attemptlog.Chunk) (unwritten []attemptlog.Chunk, err error) {
	if panicked := d.Protect(ctx, "writing logs", func() { unwritten, err = d.Logs.Append(ctx, chunks) }); panicked != nil {
		return chunks, panicked
	}
	return unwritten, err
}

// rewriteLogs writes the logs that neither the table nor the queue accepted: the
// table may have recovered. A log that fails again is lost.
func (d *Dispatcher) rewriteLogs(ctx context.Context, list []settled, refused []refusedLogs) {
	if len(refused) == 0 {
		return
	}
	chunks, failures := make([]attemptlog.Chunk, 0, len(refused)), make(map[logKey]error)
	for _, r := range refused {
		chunks = append(chunks, r.chunk)
		for _, l := range r.chunk.Logs {
			failures[keyOf(l)] = r.err
		}
	}
	owners := make(map[logKey]*settled) // of queued logs
	for i := range list {
		if s := &list[i]; s.message.queued != nil {
			for _, l := range s.message.queued.Logs {
				owners[keyOf(l)] = s
			}
		}
	}
	unwritten, _ := d.appendLogs(ctx, chunks) // lose logs the error of the queue
	for _, c := range unwritten {
		for _, l := range c.Logs {
			d.lose(ctx, l, owners[keyOf(l)], failures[keyOf(l)])
		}
	}
}

// lose handles a log that nothing accepted. The message of a queued log, its owner, is
// received again. An attempt is not repeated for its log: the function's own log keeps
// the result.
func (d *Dispatcher) lose(ctx context.Context, l attemptlog.Log, owner *settled, err error) {
	if owner != nil {
		owner.failure = err
		return
	}
	d.Log.ErrorContext(ctx, "the log of an attempt is lost",
		"tenant_id", l.TenantID, "webhook_id", l.WebhookID, "event_id", l.EventID,
		"attempt", l.Attempt, "outcome", string(l.Outcome), "status_code", l.StatusCode, "error", err.Error())
}
