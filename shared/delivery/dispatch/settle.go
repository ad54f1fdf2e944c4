package dispatch

import (
	"context"
	"sync"
	"time"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/inbound"
	"webhooks/shared/webhook"
)

// linger is how long a finished attempt waits for others to share its writes.
// It is short beside the attempt timeout, and it turns the log-id reservations of
// a batch for one webhook into one.
const linger = 250 * time.Millisecond

// queuedLogDelay is how long a log that could not be written waits in the queue.
const queuedLogDelay = time.Minute

// settle flushes tasks as they finish, and those that finish together in one
// flush: a fast receiver's log does not wait for the slowest receiver of the
// batch. Health is updated beside the flushes, and only the end of settle waits
// for it.
func (d *Dispatcher) settle(ctx context.Context, finished <-chan *task, outstanding int) {
	var updates sync.WaitGroup
	defer updates.Wait()
	for outstanding > 0 {
		batch := []*task{<-finished}
		outstanding--
		timer := time.NewTimer(linger)
		for open := true; open && outstanding > 0; {
			select {
			case t := <-finished:
				batch = append(batch, t)
				outstanding--
			case <-timer.C:
				open = false
			}
		}
		timer.Stop()
		if d.Health != nil {
			updates.Go(func() {
				_ = d.Protect(ctx, "recording health", func() { d.recordHealth(ctx, batch) })
			})
		}
		d.flush(ctx, batch)
	}
}

// flush writes the logs of tasks, then queues their next attempts, then sends
// dead letters. It disables webhooks last: if it did so before the log, a crash in
// between would leave a disabled webhook and no log that says why.
func (d *Dispatcher) flush(ctx context.Context, tasks []*task) {
	unwritten := d.writeLogs(ctx, tasks)
	// One clock reading decides where each next attempt goes. With two readings, an
	// attempt at the limit could go to neither place.
	horizon := d.Now().Add(queue.MaxDelay)
	refused := d.sendFollowUps(ctx, tasks, unwritten, horizon)
	d.fallBack(ctx, tasks, horizon)
	d.rewriteLogs(ctx, refused)
	d.sendLetters(ctx, tasks)
	disabled := make(map[webhook.Key]bool)
	for _, t := range tasks {
		if t.gone && !disabled[t.webhook.Key()] {
			disabled[t.webhook.Key()] = true
			_ = d.Protect(ctx, "disabling a webhook", func() { d.disable(ctx, *t.webhook) })
		}
	}
}

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
	owner *task
	err   error // why the queue did not accept it
}

// writeLogs writes the logs of tasks and returns those that the table did not
// accept.
func (d *Dispatcher) writeLogs(ctx context.Context, tasks []*task) []unwrittenLog {
	var logs []attemptlog.Log
	owners := make(map[logKey]*task)
	for _, t := range tasks {
		if t.log != nil && t.Err == nil {
			logs = append(logs, *t.log)
			owners[keyOf(*t.log)] = t
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
	list := make([]unwrittenLog, 0, len(failed))
	for _, l := range failed {
		list = append(list, unwrittenLog{log: l, owner: owners[keyOf(l)]})
	}
	return list
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
	if u.owner != nil && u.owner.queuedLog {
		u.owner.Err = u.err
		return
	}
	d.Log.ErrorContext(ctx, "the log of an attempt is lost",
		"tenant_id", u.log.TenantID, "webhook_id", u.log.WebhookID, "event_id", u.log.EventID,
		"attempt", u.log.Attempt, "outcome", string(u.log.Outcome), "status_code", u.log.StatusCode, "error", u.err.Error())
}

// onFailure handles the error of a message that a queue did not accept.
type onFailure func(error)

func (f onFailure) settle(err error) {
	if err != nil {
		f(err)
	}
}

// sendFollowUps sends the next attempts of tasks to a queue or, if they are due
// after horizon, to the retries table. Next attempts after a slow attempt and
// forwarded messages go to the slow lane, and unwritten logs to the normal queue.
// The queues and the table are called at the same time, so that one that hangs does
// not delay the others. It returns the logs that the queue did not accept.
func (d *Dispatcher) sendFollowUps(ctx context.Context, tasks []*task, logs []unwrittenLog, horizon time.Time) (refused []unwrittenLog) {
	ctx, cancel := reserve(ctx, fallbackTime)
	defer cancel()
	var normal, slow inbound.Outbox[onFailure, queue.Message]
	var far []*task
	for _, t := range tasks {
		fail := func(err error) { t.Err = err }
		switch {
		case t.Err != nil:
		case t.forward:
			slow.Add(fail, queue.Message{Body: t.Record.Body, Group: t.delivery.Webhook.TenantID})
		case t.next != nil && !t.next.Due.After(horizon):
			m := queue.Message{Body: t.next.Encode(), Delay: queue.MaxDelay - horizon.Sub(t.next.Due), Group: t.next.Webhook.TenantID}
			if d.retriesInSlowLane(t) {
				slow.Add(fail, m)
			} else {
				normal.Add(fail, m)
			}
		case t.next != nil:
			far = append(far, t)
		}
	}
	for _, u := range logs {
		fail := func(err error) {
			u.err = err
			refused = append(refused, u)
		}
		body, err := delivery.EncodeLog(u.log)
		if err != nil {
			fail(err)
			continue
		}
		normal.Add(fail, queue.Message{Body: body, Delay: queuedLogDelay, Group: u.log.TenantID})
	}
	var sends sync.WaitGroup
	sends.Go(func() { d.post(ctx, &normal, d.Queue) })
	sends.Go(func() { d.post(ctx, &slow, d.SlowQueue) })
	d.storeNext(ctx, far)
	sends.Wait()
	return refused
}

// post sends messages to a queue, which may be nil if there are no messages.
func (d *Dispatcher) post(ctx context.Context, messages *inbound.Outbox[onFailure, queue.Message], to inbound.Queue) {
	if messages.Len() > 0 {
		messages.Post(ctx, d.Consumer, "queueing messages", to.Send, onFailure.settle)
	}
}

// storeNext writes the next attempts of tasks to the retries table.
func (d *Dispatcher) storeNext(ctx context.Context, tasks []*task) {
	var rows inbound.Outbox[*task, delivery.Delivery]
	for _, t := range tasks {
		rows.Add(t, *t.next)
	}
	d.put(ctx, &rows, func(t *task, err error) { t.Err, t.stored = err, err == nil })
}

// put writes rows to the retries table, which may be nil if there are no rows.
func (d *Dispatcher) put(ctx context.Context, rows *inbound.Outbox[*task, delivery.Delivery], settle func(*task, error)) {
	if rows.Len() > 0 {
		rows.Post(ctx, d.Consumer, "storing next attempts", d.Retries.PutMany, settle)
	}
}

// sendLetters sends the dead letters.
func (d *Dispatcher) sendLetters(ctx context.Context, tasks []*task) {
	for _, t := range tasks {
		if t.Letter != nil {
			// The detail may quote the message, so only the dead letter has it.
			d.Log.WarnContext(ctx, "message set aside", "message_id", t.Record.MessageId, "tenant_id", t.Subject.TenantID,
				"event_id", t.Subject.EventID, "event_type", t.Subject.EventType, "reason", string(t.Letter.Reason))
		}
	}
	inbound.SendLetters(ctx, d.Consumer, tasks)
}

// disable disables a webhook whose receiver answered 410 Gone. An error does not
// repeat the attempt: the next delivery is answered 410 too.
func (d *Dispatcher) disable(ctx context.Context, w webhook.Webhook) {
	disabled, err := d.Webhooks.Disable(ctx, w.Key(), w.Revision, d.Now())
	if err != nil {
		d.Log.Log(ctx, inbound.Level(err), "the webhook answered 410 and could not be disabled",
			"tenant_id", w.TenantID, "webhook_id", w.ID, "error", err.Error())
		return
	}
	d.Log.InfoContext(ctx, "webhook answered 410", "tenant_id", w.TenantID, "webhook_id", w.ID, "disabled", disabled)
}
