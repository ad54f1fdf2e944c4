package webhook

import (
	"math"
	"time"
)

// Slots are times at which deliveries of a webhook may begin, one at each.
type Slots struct {
	First time.Time     // UTC, whole microseconds
	Step  time.Duration // between two slots
	// Rate is the rate limit under which the slots are reserved. It is 0 if the webhook
	// has no limit any more; then every slot is now.
	Rate float64
}

// At returns the i-th slot, from 0, in whole milliseconds and never too early.
func (s Slots) At(i int) time.Time {
	return s.First.Add(time.Duration(i) * s.Step).Add(time.Millisecond - 1).Truncate(time.Millisecond)
}

// SlotTime returns how long n slots take at a rate limit, in whole microseconds and
// never less.
func SlotTime(n int, rate float64) time.Duration {
	return time.Duration(math.Ceil(float64(n)*1e6/rate)) * time.Microsecond
}
