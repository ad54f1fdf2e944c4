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
	// Next is when the next attempt is due; zero when there is none. Copies of a
	// delivery agree on it, so it may be past: an attempt that took 15 s to time
	// out ends after a next one due in 5 s.
	Next time.Time
	// At is when the next attempt is made: Next, but never before half of the
	// schedule's wait is over, however late this attempt was.
	At time.Time
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
	v := Verdict{Outcome: attemptlog.Retrying, Next: next, At: next}
	pause := s[d.Attempt-1] / 2
	if rested := now.Add(pause).Truncate(time.Millisecond); rested.After(next) {
		v.At = rested
		if pause > near {
			// After an outage of hours the chain begins anew from the clock, or the
			// rest of the schedule would be used up at once.
			v.Next = rested
		}
	}
	return v
}

// near is how far ahead an attempt may be without a row that its due time
// names: what a queue can delay.
const near = 15 * time.Minute

// Following returns the delivery of the next attempt, due at due. What was so of
// this attempt alone (slow, held back) is not so of that one.
func (d Delivery) Following(due time.Time) Delivery {
	d.First = d.FirstDue()
	d.Attempt++
	d.Due, d.Slow, d.Held = due, false, false
	return d
}
