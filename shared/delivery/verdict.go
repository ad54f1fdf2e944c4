package delivery

import (
	"net/http"
	"time"

	"webhooks/shared/attempt"
	"webhooks/shared/attemptlog"
)

// Verdict is what follows an attempt.
type Verdict struct {
	Outcome attemptlog.Outcome
	// Next is when the next attempt is due; zero when there is none.
	Next time.Time
	// Disable says that the receiver wants no more (410 Gone).
	Disable bool
}

// Decide returns what follows the attempt of d that ended at now with result.
// Success is 2xx and nothing else; a redirect is a failure that is never
// followed (Standard Webhooks, "Deliverability and reliability").
func (s Schedule) Decide(d Delivery, result attempt.Result, now time.Time) Verdict {
	switch {
	case 200 <= result.StatusCode && result.StatusCode <= 299:
		return Verdict{Outcome: attemptlog.Delivered}
	case result.StatusCode == http.StatusGone:
		return Verdict{Outcome: attemptlog.Failed, Disable: true}
	case result.Failure.Permanent():
		return Verdict{Outcome: attemptlog.Failed}
	}
	next, more := s.Next(d)
	if !more {
		return Verdict{Outcome: attemptlog.Failed}
	}
	if asked := now.Add(result.RetryAfter).Truncate(time.Millisecond); result.RetryAfter > 0 && asked.After(next) {
		next = asked
	}
	return Verdict{Outcome: attemptlog.Retrying, Next: next}
}

// Following returns the delivery of the next attempt, due at due. What was so of
// this attempt alone (slow, held back) is not so of that one.
func (d Delivery) Following(due time.Time) Delivery {
	d.First = d.FirstDue()
	d.Attempt++
	d.Due, d.Slow, d.Held = due, false, false
	return d
}
