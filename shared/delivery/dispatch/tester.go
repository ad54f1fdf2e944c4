package dispatch

import (
	"context"
	"time"

	"webhooks/shared/attemptlog"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/delivery/inbound"
	"webhooks/shared/event"
	"webhooks/shared/webhook"
)

// TesterConfig has the parts of a [Tester]. All are needed.
type TesterConfig struct {
	inbound.Consumer // without a queue
	Health           Health
	Logs             Logs
	Sender           Sender
	Now              func() time.Time
}

// Tester makes the attempts of the test route.
type Tester struct{ TesterConfig }

// NewTester returns a tester with the parts in c.
func NewTester(c TesterConfig) *Tester { return &Tester{c} }

// Test makes one attempt of e to w at once, whether w is enabled or not, writes
// its log, and returns the receiver's response. No retry follows, and a 410 does
// not disable the webhook: its owner sees the response.
func (t *Tester) Test(ctx context.Context, w webhook.Webhook, e event.Event) (attempt.Result, error) {
	t.Sender.Wake(t.Now())
	only := delivery.Delivery{Webhook: w.Key(), Event: e.Key(), Type: e.Type, Attempt: 1}
	// The empty schedule has no second attempt.
	r := makeRequest(ctx, &step{delivery: only, webhook: w}, e.Body(), nil, t.Now, t.send)
	if r.err != nil {
		return attempt.Result{}, r.err
	}
	if r.observed == observedSuccess {
		// A success closes the breaker.
		recorder{t.Consumer, t.Health, t.Now}.record(ctx, observationsOf([]result{r}))
	}
	r.log.Trigger = attemptlog.Test
	logAttempt(ctx, t.Log, r, laneTest)
	// The caller gets the receiver's response even if the log cannot be written.
	if _, err := t.Logs.Append(ctx, attemptlog.Chunks([]attemptlog.Log{*r.log})); err != nil {
		t.Log.ErrorContext(ctx, "the log of a test could not be written",
			"tenant_id", w.TenantID, "webhook_id", w.ID, "event_id", e.ID, "error", err.Error())
	}
	return r.answer, nil
}

func (t *Tester) send(ctx context.Context, _ *step, request attempt.Request) attempt.Result {
	return t.Sender.Send(ctx, request)
}
