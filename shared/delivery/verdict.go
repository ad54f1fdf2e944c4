package delivery

import (
	"net/http"
	"time"

	"webhooks/shared/attemptlog"
	"webhooks/shared/delivery/attempt"
)

// Verdict is the decision after an attempt.
type Verdict struct {
	Outcome attemptlog.Outcome
	// Next is the due time of the next attempt by the schedule alone; zero if none
	// follows. It does not depend on the clock, so that copies of a delivery agree on
	// it. It may be in the past: a wait of 5 s is over before a timeout of 15 s.
	Next time.Time
	// At is when the next attempt is due: at Next, but not before the time that
	// Retry-After asks for, and not before half of the schedule's wait has passed
	// since this attempt ended.
	At time.Time
	// Disable says that the receiver wants no more events (410 Gone), and that the
	// webhook must be disabled.
	Disable bool
}

// Decide returns the decision after the attempt of d that ended at now with result.
// Only a 2xx status is a success. A redirect is a failure and never followed
// (Standard Webhooks, "Deliverability and reliability").
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
	// The comparison uses the rounded time: otherwise a requested time close to Next
	// could give copies of a delivery different times.
	if asked := d.postponed(now, result.RetryAfter); asked.After(v.At) {
		v.At = asked
	}
	if pause := s[d.Attempt-1] / 2; now.Add(pause).After(v.At) {
		v.At = d.postponed(now, pause)
	}
	return v
}

// postponed returns a due time for the attempt after d's that is at least wait after
// now. A wait of up to maxQueueDelay is exact. A longer wait needs a row, whose key
// contains the due time. Copies of a delivery have different clocks, so the due time is
// rounded up to a multiple of maxQueueDelay after d.Due: then copies get the same row.
// If a multiple lies between their clocks, they get two rows, and collapse again when
// the schedule's own time is later than the requested one.
func (d Delivery) postponed(now time.Time, wait time.Duration) time.Time {
	at := now.Add(wait)
	if wait <= maxQueueDelay {
		return at.Add(time.Millisecond - 1).Truncate(time.Millisecond) // never earlier
	}
	return d.Due.Add((at.Sub(d.Due)/maxQueueDelay + 1) * maxQueueDelay)
}

// maxQueueDelay is the longest DelaySeconds of SQS. An attempt that is due later is
// stored as a row of the retries table.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
const maxQueueDelay = 15 * time.Minute

// Following returns the delivery of the next attempt, due as v says. SlowAt, Held and Rate
// apply to this attempt only, so it clears them.
func (d Delivery) Following(v Verdict) Delivery {
	d.First = d.FirstDue()
	d.Attempt++
	d.Due, d.Planned, d.SlowAt, d.Held, d.Rate = v.At, time.Time{}, 0, false, 0
	if !v.At.Equal(v.Next) {
		d.Planned = v.Next
	}
	return d
}
