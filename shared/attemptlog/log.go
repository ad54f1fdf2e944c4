// Package attemptlog defines the log of an attempt: which event was sent to which
// webhook, what the receiver answered, and when the next attempt follows.
package attemptlog

import (
	"time"

	"webhooks/shared/event"
	"webhooks/shared/webhook"
)

// Outcome says what an attempt means for its delivery.
type Outcome string

// The outcomes. They are part of the API.
const (
	Delivered Outcome = "delivered" // the receiver answered 2xx
	Retrying  Outcome = "retrying"  // the attempt failed, and another one follows
	Failed    Outcome = "failed"    // the attempt failed, and none follows
	Skipped   Outcome = "skipped"   // no request was made: the webhook is disabled
)

// Outcomes returns every outcome.
func Outcomes() []Outcome { return []Outcome{Delivered, Retrying, Failed, Skipped} }

// Trigger says why an attempt was made.
type Trigger string

// The triggers.
const (
	FirstAttempt Trigger = "event"  // the event was published
	Retry        Trigger = "retry"  // an earlier attempt failed or was held back
	Resend       Trigger = "resend" // a customer sent the event of a log again
	Test         Trigger = "test"   // a customer tested the webhook
)

// Triggers returns every trigger.
func Triggers() []Trigger { return []Trigger{FirstAttempt, Retry, Resend, Test} }

// Log describes one attempt.
type Log struct {
	TenantID  string
	WebhookID int64
	// ID counts the logs of a webhook from 1. It is 0 until the store reserves an id.
	ID        int64
	EventID   string
	EventType event.Type
	Trigger   Trigger
	Attempt   int // from 1
	Outcome   Outcome
	// StatusCode is the receiver's HTTP status, 0 when there was no response.
	StatusCode int
	// ResponseTime is from the start of the request to the end of the response
	// body, in whole milliseconds.
	ResponseTime time.Duration
	Timing       Timing
	ResponseBody string // the beginning of the response body, valid UTF-8
	Truncated    bool   // ResponseBody is not the whole response body
	// Failure is why there is no response, or what was wrong with it (an
	// attempt.Failure), or empty.
	Failure       string
	NextAttemptAt time.Time // UTC, whole milliseconds; zero if no attempt follows
	CreatedAt     time.Time // UTC, whole milliseconds
}

// Timing has the parts of ResponseTime, in whole milliseconds. A part is 0 if it took less
// than one, or was not needed or not reached.
type Timing struct {
	DNS     time.Duration // looking up the receiver's name
	Connect time.Duration // the TCP connection
	TLS     time.Duration // the TLS handshake
	// FirstByte is from the start of the request to the end of the response's header.
	FirstByte time.Duration
	// Reused says that an earlier attempt made the connection.
	Reused bool
}

// Webhook returns the key of the attempt's webhook.
func (l Log) Webhook() webhook.Key {
	return webhook.Key{TenantID: l.TenantID, ID: l.WebhookID}
}

// Problem reports whether l is in the list of problems: whatever was not delivered.
func (l Log) Problem() bool { return l.Outcome != Delivered }

// ByEvent reports whether l is also stored under its event. A first attempt that
// succeeded, which most logs describe, is not.
func (l Log) ByEvent() bool { return l.Attempt > 1 || l.Problem() }

// ExpiresAt returns the time from which customers no longer see the log. DynamoDB
// deletes it some time later.
func (l Log) ExpiresAt(retention time.Duration) time.Time {
	return l.CreatedAt.Add(retention)
}
