package dispatch

import (
	"context"
	"time"

	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/inbound"
)

// fallBack sends the next attempts that their first destination did not accept to
// the other one. Those for a queue wait in the retries table, where the retrier
// finds them within a minute. Those for the table wait in the queue, and move to
// the table when they are received. So an attempt is repeated only if neither
// accepts its next attempt.
func (d *Dispatcher) fallBack(ctx context.Context, tasks []*task, horizon time.Time) {
	var rows inbound.Outbox[*task, delivery.Delivery]
	var messages inbound.Outbox[*task, queue.Message]
	for _, t := range tasks {
		switch {
		case t.next == nil || t.Err == nil:
		case t.next.Due.After(horizon):
			messages.Add(t, queue.Message{Body: t.next.Encode(), Delay: queue.MaxDelay, Group: t.next.Webhook.TenantID})
		default:
			rows.Add(t, *t.next)
		}
	}
	d.put(ctx, &rows, func(t *task, err error) {
		t.stored = err == nil
		d.fellBack(ctx, t, err)
	})
	messages.Post(ctx, d.Consumer, "queueing next attempts", d.Queue.Send, func(t *task, err error) { d.fellBack(ctx, t, err) })
}

// fellBack clears the error of t if the fallback accepted its next attempt. If
// not, the first error stays.
func (d *Dispatcher) fellBack(ctx context.Context, t *task, err error) {
	if err != nil {
		return
	}
	d.Log.WarnContext(ctx, "the fallback accepted the next attempt", "tenant_id", t.next.Webhook.TenantID, "webhook_id", t.next.Webhook.ID,
		"event_id", t.next.Event.ID, "attempt", t.next.Attempt, "error", t.Err.Error())
	t.Err = nil
}

// belongsInTable reports whether the delivery of t is due later than a queue can
// delay it. Such a delivery is in the queue because the retries table did not
// accept it, and moves to the table without an attempt. First attempts are excluded:
// one that the breaker held is made now, or held again if the breaker is still open.
func (d *Dispatcher) belongsInTable(t *task) bool {
	return t.delivery.Attempt > 1 && t.delivery.Due.After(d.Now().Add(queue.MaxDelay))
}
