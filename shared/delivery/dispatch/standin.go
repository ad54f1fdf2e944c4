package dispatch

import (
	"context"
	"time"

	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery"
)

// standIn keeps the next attempts that did not get where they belong: what the
// queue did not take waits in the retries table, where the retrier finds it
// within a minute, and what the table did not take goes round in the queue until
// the table does. So an attempt is not made again because what follows it could
// not be written down, unless both are away.
func (d *Dispatcher) standIn(ctx context.Context, tasks []*task, horizon time.Time) {
	var rows []delivery.Delivery
	var messages []queue.Message
	var rowOwners, messageOwners []*task
	for _, t := range tasks {
		switch {
		case t.next == nil || t.err == nil:
		case t.next.Due.After(horizon):
			messages = append(messages, queue.Message{Body: t.next.Encode(), Delay: queue.MaxDelay, Group: t.next.Webhook.TenantID})
			messageOwners = append(messageOwners, t)
		default:
			rows = append(rows, *t.next)
			rowOwners = append(rowOwners, t)
		}
	}
	if len(rows) > 0 {
		for i, err := range d.put(ctx, rows) {
			rowOwners[i].stored = err == nil
			d.stoodIn(ctx, rowOwners[i], err)
		}
	}
	if len(messages) > 0 {
		for i, err := range d.post(ctx, d.Queue, messages) {
			d.stoodIn(ctx, messageOwners[i], err)
		}
	}
}

// stoodIn settles t if its next attempt was kept after all.
func (d *Dispatcher) stoodIn(ctx context.Context, t *task, err error) {
	if err != nil {
		return // the first failure stands
	}
	d.Log.WarnContext(ctx, "the next attempt takes a way round", "tenant_id", t.next.Webhook.TenantID, "webhook_id", t.next.Webhook.ID,
		"event_id", t.next.Event.ID, "attempt", t.next.Attempt, "error", t.err.Error())
	t.err = nil
}

// early tells whether a delivery is in the queue because the retries table did
// not take it: it is moved there, without an attempt.
func (d *Dispatcher) early(t *task) bool {
	if !t.pending() || t.delivery.Attempt == 1 || !t.delivery.Due.After(d.Now().Add(queue.MaxDelay)) {
		return false
	}
	t.next, t.moved = &t.delivery, true
	return true
}
