package dispatch

import (
	"context"
	"sync"
	"time"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/queue"
	"webhooks/shared/deadletter"
	"webhooks/shared/delivery"
	"webhooks/shared/webhook"
)

// linger is how long a finished attempt waits for others to share its writes.
// It is short beside any receiver's answer, and it turns the ten log-id
// reservations of a batch to one webhook into one.
const linger = 250 * time.Millisecond

// outcomeDelay is how long a log that could not be written waits in the queue.
const outcomeDelay = time.Minute

// settle flushes tasks as they end, those that end together in one go: a fast
// receiver's log does not wait for the slowest of the batch.
// What was learnt about the receivers is written beside, and nothing waits for
// it but the end.
func (d *Dispatcher) settle(ctx context.Context, ends <-chan *task, outstanding int) {
	var notes sync.WaitGroup
	defer notes.Wait()
	for outstanding > 0 {
		batch := []*task{<-ends}
		outstanding--
		full := time.NewTimer(linger)
		for open := true; open && outstanding > 0; {
			select {
			case t := <-ends:
				batch = append(batch, t)
				outstanding--
			case <-full.C:
				open = false
			}
		}
		full.Stop()
		if d.Health != nil {
			notes.Go(func() {
				d.survive(ctx, "noting what attempts taught", func() { d.noteHealth(ctx, batch) })
			})
		}
		d.flush(ctx, batch)
	}
}

// flush writes the logs of tasks, then queues their next attempts, then sets
// aside what can never be made. Webhooks that are gone are disabled last: done
// before the log, a crash in between would leave a webhook that is off, and no
// log that says why.
func (d *Dispatcher) flush(ctx context.Context, tasks []*task) {
	unwritten := d.writeLogs(ctx, tasks)
	// One clock reading decides where each next attempt goes: with two, one just
	// at the border could go nowhere.
	horizon := d.Now().Add(queue.MaxDelay)
	refused := d.passOn(ctx, tasks, unwritten, horizon)
	d.standIn(ctx, tasks, horizon)
	d.writeAtLast(ctx, refused)
	d.setAside(ctx, tasks)
	disabled := make(map[webhook.Key]bool)
	for _, t := range tasks {
		if t.gone && !disabled[t.webhook.Key()] {
			disabled[t.webhook.Key()] = true
			d.survive(ctx, "disabling a webhook", func() { d.disable(ctx, *t.webhook) })
		}
	}
}

// logKey tells the logs of one flush apart.
type logKey struct {
	webhook webhook.Key
	eventID string
	attempt int
	at      int64
}

func keyOf(l attemptlog.Log) logKey {
	return logKey{l.Webhook(), l.EventID, l.Attempt, l.CreatedAt.UnixMilli()}
}

// unwritten is a log that has to be written later.
type unwritten struct {
	log   attemptlog.Log
	owner *task
	err   error // why the queue did not take it
}

// writeLogs returns the logs that could not be written.
func (d *Dispatcher) writeLogs(ctx context.Context, tasks []*task) []unwritten {
	var logs []attemptlog.Log
	owners := make(map[logKey]*task)
	for _, t := range tasks {
		if t.log != nil && t.err == nil {
			logs = append(logs, *t.log)
			owners[keyOf(*t.log)] = t
		}
	}
	if len(logs) == 0 {
		return nil
	}
	writing, cancel := before(ctx, queueing)
	defer cancel()
	failed, err := d.append(writing, logs)
	if err != nil {
		d.Log.ErrorContext(ctx, "logs could not be written and are queued", "logs", len(failed), "error", err.Error())
	}
	list := make([]unwritten, 0, len(failed))
	for _, l := range failed {
		list = append(list, unwritten{log: l, owner: owners[keyOf(l)]})
	}
	return list
}

// append returns the logs that the table did not take, and why.
func (d *Dispatcher) append(ctx context.Context, logs []attemptlog.Log) (failed []attemptlog.Log, err error) {
	if died := d.guard(ctx, "writing logs", func() { failed, err = d.Logs.Append(ctx, logs) }); died != nil {
		return logs, died
	}
	return failed, err
}

// writeAtLast writes the logs that the queue did not take either: the failure of
// the table may have been a moment's. What fails again ends here.
func (d *Dispatcher) writeAtLast(ctx context.Context, refused []unwritten) {
	if len(refused) == 0 {
		return
	}
	logs := make([]attemptlog.Log, 0, len(refused))
	for _, u := range refused {
		logs = append(logs, u.log)
	}
	failed, _ := d.append(ctx, logs) // lose tells the cause that the queue gave
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

// passOn sends what follows to the two queues and to the retries table: next
// attempts, by how far away they are, those after a slow attempt to the slow lane,
// deliveries that are forwarded to it, and logs to be written later. All at once,
// so that one of the three that hangs does not take the time of the others. It
// returns the logs that the queue did not take.
func (d *Dispatcher) passOn(ctx context.Context, tasks []*task, logs []unwritten, horizon time.Time) (refused []unwritten) {
	ctx, cancel := before(ctx, wayRound)
	defer cancel()
	var normal, slow mail
	var far []*task
	for _, t := range tasks {
		fail := func(err error) { t.err = err }
		switch {
		case t.err != nil:
		case t.forward:
			slow.add(queue.Message{Body: t.record.Body, Group: t.delivery.Webhook.TenantID}, fail)
		case t.next != nil && !t.next.Due.After(horizon):
			m := queue.Message{Body: t.next.Encode(), Delay: queue.MaxDelay - horizon.Sub(t.next.Due), Group: t.next.Webhook.TenantID}
			if t.slow && d.laned() {
				slow.add(m, fail)
			} else {
				normal.add(m, fail)
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
		normal.add(queue.Message{Body: body, Delay: outcomeDelay, Group: u.log.TenantID}, fail)
	}
	var sends sync.WaitGroup
	sends.Go(func() { normal.send(ctx, d, d.Queue) })
	sends.Go(func() { slow.send(ctx, d, d.SlowQueue) })
	d.keep(ctx, far)
	sends.Wait()
	return refused
}

// lose ends the way of a log that neither the table nor the queue took. A
// message that carried only the log is received again. An attempt is not made
// again for its log's sake: the function's own log keeps what is known.
func (d *Dispatcher) lose(ctx context.Context, u unwritten) {
	if u.owner != nil && u.owner.outcome {
		u.owner.err = u.err
		return
	}
	d.Log.ErrorContext(ctx, "the log of an attempt is lost",
		"tenant_id", u.log.TenantID, "webhook_id", u.log.WebhookID, "event_id", u.log.EventID,
		"attempt", u.log.Attempt, "outcome", string(u.log.Outcome), "status_code", u.log.StatusCode, "error", u.err.Error())
}

// keep writes the next attempts of tasks, which are further away than a queue can
// delay them, into the retries table.
func (d *Dispatcher) keep(ctx context.Context, tasks []*task) {
	if len(tasks) == 0 {
		return
	}
	rows := make([]delivery.Delivery, 0, len(tasks))
	for _, t := range tasks {
		rows = append(rows, *t.next)
	}
	for i, err := range d.put(ctx, rows) {
		tasks[i].err, tasks[i].stored = err, err == nil
	}
}

// post sends messages to a queue.
func (d *Dispatcher) post(ctx context.Context, to Queue, messages []queue.Message) []error {
	return d.each(ctx, "queueing messages", len(messages), func() []error { return to.Send(ctx, messages) })
}

// put writes rows of the retries table.
func (d *Dispatcher) put(ctx context.Context, rows []delivery.Delivery) []error {
	return d.each(ctx, "keeping next attempts", len(rows), func() []error { return d.Retries.PutMany(ctx, rows) })
}

// setAside sends the dead letters.
func (d *Dispatcher) setAside(ctx context.Context, tasks []*task) {
	var owners []*task
	var letters []deadletter.Letter
	for _, t := range tasks {
		if t.letter == nil {
			continue
		}
		owners = append(owners, t)
		letters = append(letters, *t.letter)
		d.Log.WarnContext(ctx, "message set aside", "message_id", t.record.MessageId,
			"event_id", t.letter.EventID, "reason", string(t.letter.Reason)) // the detail may quote the message, and is beside it
	}
	if len(letters) == 0 {
		return
	}
	sent := d.each(ctx, "setting messages aside", len(letters), func() []error { return d.DeadLetters.Send(ctx, letters) })
	for i, err := range sent {
		owners[i].err = err
	}
}

// disable turns off a webhook whose receiver answered 410 Gone. When that
// fails, the next delivery is answered 410 too: it is no reason to repeat this
// one.
func (d *Dispatcher) disable(ctx context.Context, w webhook.Webhook) {
	disabled, err := d.Webhooks.Disable(ctx, w.Key(), w.Revision, d.Now())
	if err != nil {
		d.Log.ErrorContext(ctx, "the webhook answered 410 and could not be disabled",
			"tenant_id", w.TenantID, "webhook_id", w.ID, "error", err.Error())
		return
	}
	d.Log.InfoContext(ctx, "webhook answered 410", "tenant_id", w.TenantID, "webhook_id", w.ID, "disabled", disabled)
}
