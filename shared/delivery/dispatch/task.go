package dispatch

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/attemptlog"
	"webhooks/shared/deadletter"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/delivery/inbound"
	"webhooks/shared/webhook"
)

// task is one message of a batch.
type task struct {
	inbound.Message
	delivery delivery.Delivery
	webhook  *webhook.Webhook // nil when the webhook is deleted
	lane     lane
	plan     plan
	// queuedLog is set when the message carries the log of an earlier attempt and no
	// delivery.
	queuedLog bool

	attempted bool // the attempt was made
	moved     bool // the delivery goes to the retries table unchanged
	stored    bool // its next attempt became a row of the retries table
	observed  observation
	slow      bool               // the attempt was slow
	forward   bool               // the message goes to the slow lane unchanged
	log       *attemptlog.Log    // the log to write
	next      *delivery.Delivery // the attempt that follows
	gone      bool               // the receiver answered 410: its webhook will be disabled
}

// observation is what an attempt reveals about the health of its receiver.
type observation int

const (
	observedNothing observation = iota
	observedSuccess             // the receiver accepted the delivery
	observedFailure             // the receiver did not, and might refuse others
)

// observe returns the observation of an attempt. There is none when the receiver
// answered 410 or when its URL must not be called: the webhook is disabled, or
// its attempts fail without a request, so the breaker has nothing to hold back.
func observe(verdict delivery.Verdict, result attempt.Result) observation {
	switch {
	case verdict.Outcome == attemptlog.Delivered:
		return observedSuccess
	case verdict.Disable || result.Failure.Permanent():
		return observedNothing
	}
	return observedFailure
}

// pending reports whether t is a delivery that has neither failed nor been
// refused.
func (t *task) pending() bool { return t.Open() && !t.queuedLog }

// decode decodes a message.
func (d *Dispatcher) decode(ctx context.Context, record events.SQSMessage) *task {
	t := &task{Message: inbound.Message{Record: record}, lane: d.laneOf(record.EventSourceARN)}
	var m delivery.Message
	d.Decode(ctx, &t.Message, func() (deadletter.Subject, error) {
		var err error
		m, err = delivery.Decode([]byte(record.Body))
		if err == nil && m.Log == nil {
			_, err = m.Only()
		}
		if err != nil {
			return deadletter.Subject{}, &deadletter.Refusal{Reason: deadletter.Unreadable, Detail: err.Error()}
		}
		return m.Subject(), nil
	})
	switch {
	case !t.Open():
	case m.Log != nil:
		t.queuedLog, t.log = true, m.Log
	default:
		t.delivery = m.Deliveries[0]
	}
	return t
}

// newLog returns the log of an attempt of dl that began at start.
func newLog(dl delivery.Delivery, start time.Time, outcome attemptlog.Outcome) *attemptlog.Log {
	return &attemptlog.Log{
		TenantID: dl.Webhook.TenantID, WebhookID: dl.Webhook.ID,
		EventID: dl.Event.ID, EventType: dl.Type, Attempt: dl.Attempt,
		Outcome: outcome, CreatedAt: start.UTC().Truncate(time.Millisecond),
	}
}

// addResult adds the receiver's response to l.
func addResult(l *attemptlog.Log, result attempt.Result) {
	l.StatusCode = result.StatusCode
	l.ResponseTime = result.ResponseTime.Truncate(time.Millisecond)
	l.ResponseBody = result.ResponseBody
	l.Truncated = result.Truncated
	l.Failure = string(result.Problem())
}

// logAttempt writes one line about an attempt: ids, numbers and its outcome, never
// the event or the response. The event type is in the line of the fan-out, because
// CloudWatch bills each byte.
func (d *Dispatcher) logAttempt(ctx context.Context, l attemptlog.Log, result attempt.Result, lane lane) {
	attributes := []slog.Attr{
		slog.String("tenant_id", l.TenantID), slog.Int64("webhook_id", l.WebhookID),
		slog.String("event_id", l.EventID), slog.Int("attempt", l.Attempt), slog.String("outcome", string(l.Outcome)),
		slog.String("lane", string(lane)),
		slog.Int("status_code", l.StatusCode), slog.Int64("response_ms", l.ResponseTime.Milliseconds()),
	}
	if result.Err != nil {
		attributes = append(attributes,
			slog.String("failure", string(result.Problem())), slog.String("error", result.Err.Error()))
	}
	d.Log.LogAttrs(ctx, slog.LevelInfo, "attempt", attributes...)
}
