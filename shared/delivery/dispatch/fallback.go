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
func (d *Dispatcher) fallBack(ctx context.Context, list []settled, horizon time.Time) {
	var rows inbound.Outbox[*settled, delivery.Delivery]
	var messages inbound.Outbox[*settled, queue.Message]
	for i := range list {
		s := &list[i]
		switch {
		case s.next == nil || s.failure == nil:
		case s.next.Due.After(horizon):
			messages.Add(s, queue.Message{Body: s.next.Encode(), Delay: queue.MaxDelay, Group: s.next.Webhook.TenantID})
		default:
			rows.Add(s, *s.next)
		}
	}
	rows.Post(ctx, d.Consumer, "storing next attempts", d.putMany(horizon.Add(-queue.MaxDelay)), func(s *settled, err error) {
		s.stored = err == nil
		d.fellBack(ctx, s, err)
	})
	messages.Post(ctx, d.Consumer, "queueing next attempts", d.Queue.Send, func(s *settled, err error) { d.fellBack(ctx, s, err) })
}

// fellBack clears the failure of s if the fallback accepted its next attempt. If
// not, the first failure stays.
func (d *Dispatcher) fellBack(ctx context.Context, s *settled, err error) {
	if err != nil {
		return
	}
	d.Log.WarnContext(ctx, "the fallback accepted the next attempt", "tenant_id", s.next.Webhook.TenantID, "webhook_id", s.next.Webhook.ID,
		"event_id", s.next.Event.ID, "attempt", s.next.Attempt, "error", s.failure.Error())
	s.failure = nil
}
