package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"webhooks/shared/attemptlog"
	"webhooks/shared/deadletter"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/delivery/inbound"
	"webhooks/shared/event/eventdb"
	"webhooks/shared/webhook"
)

// result is what became of a step. It does not change.
type result struct {
	*step
	err     error               // our own error, after which the delivery must be received again
	refusal *deadletter.Refusal // the delivery becomes a dead letter
	log     *attemptlog.Log     // the log to write
	next    *delivery.Delivery  // what follows: the next attempt, or this one later

	attempted bool           // a request was made; the rest is about it
	answer    attempt.Result // of the receiver
	slow      bool           // the attempt was slow, so the next one goes to the slow lane
	observed  observation
	gone      bool // the receiver answered 410: its webhook will be disabled
}

// perform carries s out. A panic fails only this delivery.
func (d *Dispatcher) perform(ctx context.Context, s *step) result {
	r := result{step: s}
	panicked := d.Protect(ctx, "making an attempt", func() {
		if r = d.carryOut(ctx, s); r.attempted {
			logAttempt(ctx, d.Log, r, s.message.lane)
		}
	}, "message_id", s.message.Record.MessageId)
	// An attempt that was made must not be repeated.
	if panicked != nil && !r.attempted {
		r.err = panicked
	}
	return r
}

func (d *Dispatcher) carryOut(ctx context.Context, s *step) result {
	r := result{step: s}
	switch s.action {
	case settleOnly:
		r.err = s.message.Err
	case fail:
		r.err = s.unready
	case moveToTable, postpone:
		r.next = &s.delivery
	case skip:
		r.log = newLog(s.delivery, d.Now(), attemptlog.Skipped)
	case giveUp:
		r.log = newLog(s.delivery, d.Now(), attemptlog.Failed)
		r.log.Failure = string(attempt.FailurePaceFull)
	case hold:
		return d.hold(s)
	case makeProbe:
		if !d.recorder().claim(ctx, s.webhook) {
			return d.hold(s)
		}
		return d.deliver(ctx, s)
	case makeAttempt, makeLast:
		return d.deliver(ctx, s)
	case forward, drop:
	}
	return r
}

// hold keeps the delivery of s for later, without a request and without using up
// its attempt. Only the first hold of an attempt writes a log.
func (d *Dispatcher) hold(s *step) result {
	now := d.Now()
	held := d.Schedule.Hold(s.delivery, now)
	r := result{step: s, next: &held}
	if !s.delivery.Held {
		r.log = newLog(s.delivery, now, attemptlog.Retrying)
		r.log.Failure, r.log.NextAttemptAt = string(attempt.FailureHeld), held.Due
	}
	return r
}

// deliver makes the attempt of s.
func (d *Dispatcher) deliver(ctx context.Context, s *step) result {
	body, err := s.delivery.Body, error(nil)
	if body == nil {
		body, err = s.message.readBody()
	}
	if err == nil {
		err = d.awaitSlot(ctx, s)
	}
	switch {
	case errors.Is(err, eventdb.ErrNotFound):
		return result{step: s, refusal: &deadletter.Refusal{
			Reason: deadletter.BodyMissing,
			Detail: "the event's body is not stored: the event has expired, or its fan-out did not finish",
		}}
	case err == nil && d.tooLate(ctx): // checked last, because reading the body and waiting take time too
		err = errTooLate
	}
	if err != nil {
		return result{step: s, err: err}
	}
	schedule := d.Schedule
	if s.action == makeLast {
		schedule = nil // no other attempt follows
	}
	return makeRequest(ctx, s, body, schedule, d.Now, d.watchSlow)
}

var errTooLate = errors.New("too little time was left to start the attempt")

// level returns the level of a log line about err. An attempt that came too late is no
// error of the service, whose alarm would take a gradual deployment back: an invocation
// may take more deliveries than there are places for. Neither is a slot that could not be
// reserved because a tenant's webhook gets many events.
func level(err error) slog.Level {
	if errors.Is(err, errTooLate) || errors.Is(err, errNoSlot) {
		return slog.LevelWarn
	}
	return inbound.Level(err)
}

// lastStart returns when the last attempt may begin that leaves enough time, and false
// if ctx has no deadline.
func (d *Dispatcher) lastStart(ctx context.Context) (time.Time, bool) {
	deadline, has := ctx.Deadline()
	return deadline.Add(-d.Sender.Timeout() - recordTime), has
}

// tooLate reports whether too little time is left for an attempt.
func (d *Dispatcher) tooLate(ctx context.Context) bool {
	last, has := d.lastStart(ctx)
	return has && time.Now().After(last)
}

// makeRequest makes the attempt of s through send and decides by schedule what
// follows. An error is our own: the attempt was not made, or the end of the invocation
// interrupted it.
func makeRequest(
	ctx context.Context, s *step, body []byte, schedule delivery.Schedule, now func() time.Time,
	send func(context.Context, *step, attempt.Request) attempt.Result,
) result {
	start := now()
	keys, err := s.webhook.SigningKeys(start)
	if err != nil {
		return result{step: s, err: fmt.Errorf("read the secret of webhook %d: %w", s.webhook.ID, err)}
	}
	answer := send(ctx, s, attempt.Request{
		ID: s.delivery.Event.ID, Time: start, Body: body, URL: s.webhook.URL, Keys: keys,
		Fresh: s.delivery.Attempt > 1, // the connection may have been the reason why the attempt before failed
	})
	if answer.Failure == attempt.FailureInternal {
		return result{step: s, err: fmt.Errorf("attempt for webhook %d: %w", s.webhook.ID, answer.Err)}
	}
	verdict := schedule.Decide(s.delivery, answer, now())
	r := result{
		step: s, attempted: true, answer: answer, slow: answer.ResponseTime > webhook.SlowAfter,
		observed: observe(verdict, answer), gone: verdict.Disable, log: newLog(s.delivery, start, verdict.Outcome),
	}
	addAnswer(r.log, answer)
	r.log.NextAttemptAt = verdict.At
	if !verdict.Next.IsZero() {
		next := s.delivery.Following(verdict)
		if r.slow {
			next.SlowAt = s.webhook.Address
		}
		r.next = &next
	}
	return r
}

// newLog returns the log of an attempt of dl that began at start.
func newLog(dl delivery.Delivery, start time.Time, outcome attemptlog.Outcome) *attemptlog.Log {
	return &attemptlog.Log{
		TenantID: dl.Webhook.TenantID, WebhookID: dl.Webhook.ID,
		EventID: dl.Event.ID, EventType: dl.Type, Trigger: triggerOf(dl), Attempt: dl.Attempt,
		Outcome: outcome, CreatedAt: start.UTC().Truncate(time.Millisecond),
	}
}

// triggerOf returns why the attempt of dl is made.
func triggerOf(dl delivery.Delivery) attemptlog.Trigger {
	switch {
	case dl.Single:
		return attemptlog.Resend
	case dl.Attempt > 1:
		return attemptlog.Retry
	}
	return attemptlog.FirstAttempt
}

// addAnswer adds the receiver's answer to l.
func addAnswer(l *attemptlog.Log, answer attempt.Result) {
	l.StatusCode = answer.StatusCode
	l.ResponseTime = answer.ResponseTime.Truncate(time.Millisecond)
	t := answer.Timing
	l.Timing = attemptlog.Timing{
		DNS: t.DNS.Truncate(time.Millisecond), Connect: t.Connect.Truncate(time.Millisecond), TLS: t.TLS.Truncate(time.Millisecond),
		FirstByte: t.FirstByte.Truncate(time.Millisecond), Reused: t.Reused,
	}
	l.ResponseBody = answer.ResponseBody
	l.Truncated = answer.Truncated
	l.Failure = string(answer.Problem())
}

// logAttempt writes one line about an attempt: ids, numbers and its outcome, never
// the event or the response. The event type is in the line of the fan-out, because
// CloudWatch bills each byte.
func logAttempt(ctx context.Context, log *slog.Logger, r result, lane lane) {
	l := r.log
	attributes := []slog.Attr{
		slog.String("tenant_id", l.TenantID), slog.Int64("webhook_id", l.WebhookID),
		slog.String("event_id", l.EventID), slog.Int("attempt", l.Attempt), slog.String("outcome", string(l.Outcome)),
		slog.String("lane", string(lane)),
		slog.Int("status_code", l.StatusCode), slog.Int64("response_ms", l.ResponseTime.Milliseconds()),
	}
	if r.answer.Err != nil {
		attributes = append(attributes,
			slog.String("failure", string(r.answer.Problem())), slog.String("error", r.answer.Err.Error()))
	}
	log.LogAttrs(ctx, slog.LevelInfo, "attempt", attributes...)
}
