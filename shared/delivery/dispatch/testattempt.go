package dispatch

import (
	"context"

	"webhooks/shared/attemptlog"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/event"
	"webhooks/shared/webhook"
)

// Test makes one attempt of e to w at once, whether w is enabled or not, writes
// its log, and returns the receiver's response. No retry follows, and a 410 does
// not disable the webhook: its owner sees the response.
func (d *Dispatcher) Test(ctx context.Context, w webhook.Webhook, e event.Event) (attempt.Result, error) {
	d.Sender.Wake(d.Now())
	start := d.Now()
	result, err := d.send(ctx, w, attempt.Request{ID: e.ID, Time: start, Body: e.Body()})
	if err != nil {
		return attempt.Result{}, err
	}
	only := delivery.Delivery{Webhook: w.Key(), Event: e.Key(), Type: e.Type, Attempt: 1}
	// The empty schedule has no second attempt.
	l := newLog(only, start, delivery.Schedule{}.Decide(only, result, start).Outcome)
	addResult(l, result)
	if l.Outcome == attemptlog.Delivered && d.Health != nil {
		// A success closes the breaker.
		_ = d.Protect(ctx, "updating the health of a webhook", func() { d.updateHealth(ctx, observations{webhook: w, succeeded: true}) })
	}
	d.logAttempt(ctx, *l, result, laneTest)
	// The caller gets the receiver's response even if the log cannot be written.
	if _, err := d.Logs.Append(ctx, []attemptlog.Log{*l}); err != nil {
		d.Log.ErrorContext(ctx, "the log of a test could not be written",
			"tenant_id", w.TenantID, "webhook_id", w.ID, "event_id", e.ID, "error", err.Error())
	}
	return result, nil
}
