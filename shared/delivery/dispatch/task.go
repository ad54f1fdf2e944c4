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

// task is one message of a batch on its way.
type task struct {
	record   events.SQSMessage
	delivery delivery.Delivery
	webhook  *webhook.Webhook // nil: there is none, or no longer
	lane     lane             // it came from the slow queue
	plan     plan
	// outcome says that the message carries a log and no delivery.
	outcome bool

	made    bool // the attempt was made
	moved   bool // to the retries table, as it is
	stored  bool // its next attempt became a row of the retries table
	ended   ended
	slow    bool               // the attempt was slow
	forward bool               // to the slow lane, as it is
	log     *attemptlog.Log    // to be written
	next    *delivery.Delivery // the attempt that follows
	letter  *deadletter.Letter // it can never be made
	gone    bool               // the receiver answered 410: its webhook is to be disabled
	err     error              // our own failure: the message is received again
}

// ended is what an attempt says about the receiver's health.
type ended int

const (
	endedNot   ended = iota // there was no attempt, or it says nothing
	endedWell               // the receiver took the delivery
	endedBadly              // it did not, and may not take others
)

// endedBy returns what an attempt says. A receiver that answers 410 is disabled,
// and a URL that may not be called fails at once: there is nothing to hold back.
func endedBy(verdict delivery.Verdict, result attempt.Result) ended {
	switch {
	case verdict.Outcome == attemptlog.Delivered:
		return endedWell
	case verdict.Disable || result.Failure.Permanent():
		return endedNot
	}
	return endedBadly
}

// pending reports whether the task still is a delivery to attempt.
func (t *task) pending() bool { return t.err == nil && t.letter == nil && !t.outcome }

func (t *task) setAside(reason deadletter.Reason, detail, eventID string) {
	t.letter = &deadletter.Letter{Body: t.record.Body, Refusal: deadletter.Refusal{Reason: reason, Detail: detail, EventID: eventID}}
}

// read decodes a message.
func (d *Dispatcher) read(record events.SQSMessage) *task {
	t := &task{record: record, lane: d.laneOf(record.EventSourceARN)}
	exhausted, err := inbound.NearlyExhausted(record, d.MaxReceiveCount)
	if err != nil {
		t.err = err
		return t
	}
	m, err := delivery.Decode([]byte(record.Body))
	switch {
	case err != nil:
		t.setAside(deadletter.Unreadable, err.Error(), "")
	case exhausted:
		t.setAside(deadletter.TooManyReceives, "the message failed again and again; the dispatcher's log says why", m.EventID())
	case m.Log != nil:
		t.outcome, t.log = true, m.Log
	default:
		t.delivery = *m.Delivery
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

// record writes into l what the receiver did.
func record(l *attemptlog.Log, result attempt.Result) {
	l.StatusCode = result.StatusCode
	l.ResponseTime = result.ResponseTime.Truncate(time.Millisecond)
	l.ResponseBody = result.ResponseBody
	// A body that broke off is shown as one that goes on: the status counts.
	l.Truncated = result.Truncated || result.BodyFailure != ""
	l.Failure = string(result.Failure)
}

// logAttempt writes the one line about an attempt: ids and numbers, never the
// event or the response. CloudWatch bills its bytes: the event's type is in the
// line of its fan-out.
func (d *Dispatcher) logAttempt(ctx context.Context, l attemptlog.Log, result attempt.Result, lane lane) {
	attributes := []slog.Attr{
		slog.String("tenant_id", l.TenantID), slog.Int64("webhook_id", l.WebhookID),
		slog.String("event_id", l.EventID), slog.Int("attempt", l.Attempt), slog.String("outcome", string(l.Outcome)),
		slog.String("lane", string(lane)),
		slog.Int("status_code", l.StatusCode), slog.Int64("response_ms", l.ResponseTime.Milliseconds()),
	}
	if result.Err != nil {
		attributes = append(attributes,
			slog.String("failure", string(result.Failure+result.BodyFailure)), slog.String("error", result.Err.Error()))
	}
	d.Log.LogAttrs(ctx, slog.LevelInfo, "attempt", attributes...)
}
