package dispatch

import (
	"context"
	"time"

	"webhooks/shared/attemptlog"
	"webhooks/shared/webhook"
)

// queuedLogDelay is how long a log that could not be written waits in the queue.
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

// unwrittenLog is a log that the logs table did not accept.
type unwrittenLog struct {
	log   attemptlog.Log
	owner *settled
	err   error // why the queue did not accept it
}

// writeLogs writes the logs of list and returns those that the table did not
// accept.
func (d *Dispatcher) writeLogs(ctx context.Context, list []settled) []unwrittenLog {
	var logs []attemptlog.Log
	for i := range list {
		if s := &list[i]; s.log != nil && s.failure == nil {
			logs = append(logs, *s.log)
		}
	}
	if len(logs) == 0 {
		return nil
	}
	ctx, cancel := reserve(ctx, queueTime)
	defer cancel()
	failed, err := d.appendLogs(ctx, logs)
	if err != nil {
		d.Log.ErrorContext(ctx, "logs could not be written and are queued", "logs", len(failed), "error", err.Error())
	}
	if len(failed) == 0 {
		return nil
	}
	owners := make(map[logKey]*settled, len(logs))
	for i := range list {
		if s := &list[i]; s.log != nil && s.failure == nil {
			owners[keyOf(*s.log)] = s
		}
	}
	unwritten := make([]unwrittenLog, 0, len(failed))
	for _, l := range failed {
		unwritten = append(unwritten, unwrittenLog{log: l, owner: owners[keyOf(l)]})
	}
	return unwritten
}

// appendLogs returns the logs that the table did not accept, and why.
func (d *Dispatcher) appendLogs(ctx context.Context, logs []attemptlog.Log) (failed []attemptlog.Log, err error) {
	if panicked := d.Protect(ctx, "writing logs", func() { failed, err = d.Logs.Append(ctx, logs) }); panicked != nil {
		return logs, panicked
	}
	return failed, err
}

// rewriteLogs writes the logs that neither the table nor the queue accepted: the
// table may have recovered. A log that fails again is lost.
func (d *Dispatcher) rewriteLogs(ctx context.Context, refused []unwrittenLog) {
	if len(refused) == 0 {
		return
	}
	logs := make([]attemptlog.Log, 0, len(refused))
	for _, u := range refused {
		logs = append(logs, u.log)
	}
	failed, _ := d.appendLogs(ctx, logs) // lose logs the error of the queue
	left := make(map[logKey]bool, len(failed))
	for _, l := range failed {
		left[keyOf(l)] = true
	}
	for _, u := range refused {
		if left[keyOf(u.log)] {
			d.lose(ctx, u)
		}
	}
}

// lose handles a log that nothing accepted. A message that carries only the log
// is received again. An attempt is not repeated for its log: the function's own
// log keeps the result.
func (d *Dispatcher) lose(ctx context.Context, u unwrittenLog) {
	if u.owner != nil && u.owner.message.log != nil {
		u.owner.failure = u.err
		return
	}
	d.Log.ErrorContext(ctx, "the log of an attempt is lost",
		"tenant_id", u.log.TenantID, "webhook_id", u.log.WebhookID, "event_id", u.log.EventID,
		"attempt", u.log.Attempt, "outcome", string(u.log.Outcome), "status_code", u.log.StatusCode, "error", u.err.Error())
}
