package dispatch

// lane is where a delivery came from. A delivery moves from the normal lane to the slow
// lane before any request if its webhook is marked as slow, or if this is the last attempt
// to a receiver whose breaker is open.
type lane string

const (
	laneNormal lane = "normal"
	laneSlow   lane = "slow"
	laneTest   lane = "test" // the test route
)

// laneOf returns the lane of a message by the ARN of its queue.
func (d *Dispatcher) laneOf(arn string) lane {
	if arn == d.SlowQueueARN {
		return laneSlow
	}
	return laneNormal
}
