package webhook

import "time"

// The thresholds of the slow lane and the circuit breaker.
const (
	// SlowAfter is the duration above which an attempt is slow.
	SlowAfter = 3 * time.Second
	// SlowInARow slow attempts in a row mark a webhook as slow. So do two within
	// SlowWindow. SlowWindow is the longest attempt, so both occupied an invocation
	// at the same time.
	SlowInARow = 2
	SlowWindow = 15 * time.Second
	// SlowFor is how long the mark lasts.
	SlowFor = 10 * time.Minute
	// SlowRenewal is the time before the end of a mark in which another slow
	// attempt renews it. So a receiver that is still slow does not return to the
	// normal lane every ten minutes, and its mark is written at most every eight.
	SlowRenewal = 2 * time.Minute
	// OpenAfter consecutive failures over at least FailingFor open the breaker.
	OpenAfter  = 20
	FailingFor = 10 * time.Minute
	// ProbeEvery is the interval between the probes of an open breaker.
	ProbeEvery = time.Minute
)

// Health is what attempts have shown about the receiver at one address of a webhook.
// The zero value is healthy. A new address begins with it, and other changes of the
// webhook do not change its health.
type Health struct {
	// SlowSince and SlowUntil bound the time in which deliveries go to the slow
	// lane: UTC, whole milliseconds, zero if the webhook was never slow.
	SlowSince, SlowUntil time.Time
	// Failures counts the consecutive failures since FailingSince. It is written
	// after the attempts, so it may be a few behind.
	Failures     int
	FailingSince time.Time
	// OpenSince is when the breaker opened, zero while it is closed. OpenUntil is
	// the time of the next probe, whose success closes the breaker.
	OpenSince, OpenUntil time.Time
}

// Slow reports whether deliveries at now go to the slow lane.
func (h Health) Slow(now time.Time) bool { return now.Before(h.SlowUntil) }

// Open reports whether the breaker is open and holds deliveries back.
func (h Health) Open() bool { return !h.OpenSince.IsZero() }

// Tripped reports whether a closed breaker opens at now.
func (h Health) Tripped(now time.Time) bool {
	return !h.Open() && h.Failures >= OpenAfter && !now.Before(h.FailingSince.Add(FailingFor))
}

// Failing reports whether a success has failures to reset or a breaker to close.
func (h Health) Failing() bool { return h.Failures > 0 || h.Open() }

// State is the part of a webhook's health that the API shows: why deliveries are
// delayed.
type State struct {
	// State is "open" while the breaker holds deliveries back, or "slow" while they
	// go to the slow lane.
	State string    `json:"state"`
	Since time.Time `json:"since"` // UTC, whole seconds
}

// State returns the state at now, or nil if deliveries are not delayed.
func (h Health) State(now time.Time) *State {
	switch {
	case h.Open():
		return &State{State: "open", Since: h.OpenSince.UTC().Truncate(time.Second)}
	case h.Slow(now):
		return &State{State: "slow", Since: h.SlowSince.UTC().Truncate(time.Second)}
	}
	return nil
}
