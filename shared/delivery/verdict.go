package delivery

import (
	"net/http"
	"time"

	"webhooks/shared/attemptlog"
	"webhooks/shared/delivery/attempt"
)

// Verdict is what follows an attempt.
type Verdict struct {
	Outcome attemptlog.Outcome
	// Next is when the schedule has the next attempt due; zero when there is none.
	// Copies of a delivery agree on it, so it may be past: an attempt that took
	// 15 s to time out ends after a next one due in 5 s.
	Next time.Time
	// At is when the next attempt is made: Next, but never before the time that
	// the receiver asked for, nor before half of the schedule's wait is over,
	// however late this attempt was.
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
	v := Verdict{Outcome: attemptlog.Retrying, Next: next, At: next}
	// Rounded before it is compared: what was asked may end close to the
	// schedule's own time, and that must not part two copies either.
	if asked := d.postponed(now, result.RetryAfter); asked.After(v.At) {
		v.At = asked
	}
	if pause := s[d.Attempt-1] / 2; now.Add(pause).After(v.At) {
		v.At = d.postponed(now, pause)
	}
	return v
}

// postponed returns when the attempt after d's is made if that is to be wait from
// now on at least, and not when the schedule has it. A wait that needs a row ends
// a whole number of quarters of an hour after d was due, up to one later: each
// copy's clock shows another time, and so they still agree on one row. Where the
// end of a quarter lies between them, they agree again as soon as the schedule's
// own times lie ahead.
func (d Delivery) postponed(now time.Time, wait time.Duration) time.Time {
	at := now.Add(wait)
	if wait <= near {
		return at.Truncate(time.Millisecond)
	}
	return d.Due.Add((at.Sub(d.Due)/near + 1) * near)
}

// near is how far ahead an attempt may be without a row that its due time
// names: what a queue can delay.
const near = 15 * time.Minute

// Following returns the delivery of the next attempt, as v has it. What was so of
// this attempt alone (slow, held back) is not so of that one.
func (d Delivery) Following(v Verdict) Delivery {
	d.First = d.FirstDue()
	d.Attempt++
	d.Due, d.Planned, d.Slow, d.Held = v.At, time.Time{}, false, false
	if !v.At.Equal(v.Next) {
		d.Planned = v.Next
	}
	return d
}
