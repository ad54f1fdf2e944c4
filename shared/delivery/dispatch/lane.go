package dispatch

import "time"

// lane is where a delivery came from.
type lane string

const (
	laneNormal lane = "normal"
	laneSlow   lane = "slow"
	laneTest   lane = "test" // the test route
)

func (d *Dispatcher) hasSlowLane() bool { return d.SlowQueue != nil }

// laneOf returns the lane of a message by the ARN of its queue.
func (d *Dispatcher) laneOf(arn string) lane {
	if d.hasSlowLane() && arn == d.SlowQueueARN {
		return laneSlow
	}
	return laneNormal
}

// forwards reports whether t moves from the normal lane to the slow lane before
// any request: its webhook is marked as slow, or this is the last attempt to a
// receiver whose breaker is open. last says the latter.
func (d *Dispatcher) forwards(t *task, last bool, now time.Time) bool {
	return d.hasSlowLane() && t.lane == laneNormal && (t.webhook.Health.Slow(now) || last)
}

// retriesInSlowLane reports whether the next attempt of t goes to the slow lane:
// this attempt was slow. It applies to next attempts that a queue can delay. Later
// ones come back from the retries table to the normal lane, and [Dispatcher.forwards]
// decides again.
func (d *Dispatcher) retriesInSlowLane(t *task) bool {
	return d.hasSlowLane() && t.slow
}
