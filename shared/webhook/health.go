package webhook

import "time"

// The limits of a receiver's health.
const (
	// SlowAfter is how long an attempt runs before it counts as slow.
	SlowAfter = 3 * time.Second
	// SlowInARow is how many slow attempts in a row mark a webhook as slow. Those
	// within SlowWindow of each other count as in a row: that is how long an
	// attempt may take, so both hold an invocation at the same time.
	SlowInARow = 2
	SlowWindow = 15 * time.Second
	// SlowFor is how long a mark lasts.
	SlowFor = 10 * time.Minute
	// SlowRenewal is how long before its end a mark is renewed by another slow
	// attempt: a receiver that stays slow does not come back to the normal lane
	// every ten minutes, and the mark is written once in eight.
	SlowRenewal = 2 * time.Minute
	// OpenAfter is how many failures in a row, over at least FailingFor, open the
	// breaker.
	OpenAfter  = 20
	FailingFor = 10 * time.Minute
	// ProbeEvery is how long an open breaker waits between two probes.
	ProbeEvery = time.Minute
)

// Health is what attempts have taught us about a receiver. The zero value is a
// healthy one. Whoever changes a webhook does not change it.
type Health struct {
	// SlowSince and SlowUntil bound the time in which deliveries go to the slow
	// lane; UTC, whole milliseconds, zero when it was never slow.
	SlowSince, SlowUntil time.Time
	// Failures counts the failures in a row, the first of which was at
	// FailingSince. It is written as attempts end and may be a few behind.
	Failures     int
	FailingSince time.Time
	// OpenSince is when the breaker opened, zero while it is closed. OpenUntil is
	// when the next delivery may be attempted to find out whether it can close.
	OpenSince, OpenUntil time.Time
}

// Slow reports whether deliveries at now go to the slow lane.
func (h Health) Slow(now time.Time) bool { return now.Before(h.SlowUntil) }

// Open reports whether deliveries are held back.
func (h Health) Open() bool { return !h.OpenSince.IsZero() }

// Tripped reports whether the failures until now are enough to open the breaker.
func (h Health) Tripped(now time.Time) bool {
	return !h.Open() && h.Failures >= OpenAfter && !now.Before(h.FailingSince.Add(FailingFor))
}

// Failing reports whether a success is worth writing down.
func (h Health) Failing() bool { return h.Failures > 0 || h.Open() }

// State is the part of a webhook's health that its owner sees: why deliveries
// are not attempted as soon as they could be.
type State struct {
	// State is "open" while deliveries are held back, or "slow" while they wait
	// for a lane of their own.
	State string    `json:"state"`
	Since time.Time `json:"since"` // UTC, whole seconds
}

// State returns what there is to tell at now, and nil of a healthy webhook.
func (h Health) State(now time.Time) *State {
	switch {
	case h.Open():
		return &State{State: "open", Since: h.OpenSince.UTC().Truncate(time.Second)}
	case h.Slow(now):
		return &State{State: "slow", Since: h.SlowSince.UTC().Truncate(time.Second)}
	}
	return nil
}
