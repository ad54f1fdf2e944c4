package dispatch

import "github.com/aws/aws-lambda-go/events"

// lane is where a delivery came from. A delivery moves from the normal lane to the slow
// lane before any request if its webhook is marked as slow, if this is the last attempt
// to a receiver whose breaker is open, or if its tenant already has as many requests under
// way as one tenant may have (flight.go).
type lane string

const (
	laneNormal lane = "normal"
	laneSlow   lane = "slow"
	laneTest   lane = "test" // the test route
)

// laneOf returns the lane of a batch, all of whose messages come from one queue.
func (d *Dispatcher) laneOf(batch events.SQSEvent) lane {
	if len(batch.Records) > 0 && batch.Records[0].EventSourceARN == d.SlowQueueARN {
		return laneSlow
	}
	return laneNormal
}
