package dispatch

import (
	"context"
	"time"

	"webhooks/shared/attemptlog"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/event"
	"webhooks/shared/webhook"
)

// Test sends e to w at once, enabled or not, exactly as a delivery is sent,
// writes a log, and returns what the receiver did. No attempt follows, and a
// 410 does not disable the webhook: its owner is looking.
func (d *Dispatcher) Test(ctx context.Context, w webhook.Webhook, e event.Event) (attempt.Result, error) {
	d.Sender.Wake(d.Now())
	start := d.Now()
	result, err := d.send(ctx, w, e.ID, e.Body(), start)
	if err != nil {
		return attempt.Result{}, err
	}
	only := delivery.Delivery{Webhook: w.Key(), Event: e.Key(), Type: e.Type, Attempt: 1}
	// The empty schedule has no second attempt.
	l := newLog(only, start, delivery.Schedule{}.Decide(only, result, start).Outcome)
	record(l, result)
	if l.Outcome == attemptlog.Delivered && d.Health != nil {
		// The owner sees that it works again, and so do we.
		d.survive(ctx, "noting the health of a webhook", func() { d.noteEnding(ctx, ending{webhook: w, succeeded: true}) })
	}
	d.logAttempt(ctx, *l, result, laneTest)
	// The caller waits for the receiver's answer and gets it, even when its log
	// cannot be written.
	if _, err := d.Logs.Append(ctx, []attemptlog.Log{*l}); err != nil {
		d.Log.ErrorContext(ctx, "the log of a test could not be written",
			"tenant_id", w.TenantID, "webhook_id", w.ID, "event_id", e.ID, "error", err.Error())
	}
	return result, nil
}

// TestInterval is how long a webhook rests between two tests: the test route
// makes us send requests at a stranger's command.
const TestInterval = 5 * time.Second
