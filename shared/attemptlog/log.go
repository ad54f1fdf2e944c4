// Package attemptlog is the record of attempts: what was sent to a webhook,
// what came back, and what follows.
package attemptlog

import (
	"time"

	"webhooks/shared/event"
	"webhooks/shared/webhook"
)

// Outcome is what became of a delivery through one attempt.
type Outcome string

// The outcomes. They are part of the API.
const (
	Delivered Outcome = "delivered" // the receiver answered 2xx
	Retrying  Outcome = "retrying"  // failed, and another attempt follows
	Failed    Outcome = "failed"    // failed, and no attempt follows
	Skipped   Outcome = "skipped"   // no request was made: the webhook is disabled
)

// Outcomes returns every outcome.
func Outcomes() []Outcome { return []Outcome{Delivered, Retrying, Failed, Skipped} }

// Log is the record of one attempt.
type Log struct {
	TenantID  string
	WebhookID int64
	// ID counts from 1 in every webhook. It is 0 until one is reserved.
	ID        int64
	EventID   string
	EventType event.Type
	Attempt   int // the first attempt of a delivery is 1
	Outcome   Outcome
	// StatusCode is the receiver's HTTP status, 0 when there was no response.
	StatusCode int
	// ResponseTime runs from the start of the request to the end of the read
	// body, in whole milliseconds.
	ResponseTime time.Duration
	ResponseBody string // valid UTF-8, the beginning of what the receiver sent
	Truncated    bool   // the receiver sent more than ResponseBody
	// Failure is the code of what went wrong (an attempt.Failure), or empty.
	Failure       string
	NextAttemptAt time.Time // UTC, whole milliseconds; zero when none follows
	CreatedAt     time.Time // UTC, whole milliseconds
}

// Webhook names the webhook that the attempt was made for.
func (l Log) Webhook() webhook.Key {
	return webhook.Key{TenantID: l.TenantID, ID: l.WebhookID}
}

// ExpiresAt returns when the log ends to exist for customers. The table drops
// it some time later.
func (l Log) ExpiresAt(retention time.Duration) time.Time {
	return l.CreatedAt.Add(retention)
}
