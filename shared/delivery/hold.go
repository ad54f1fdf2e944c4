package delivery

import "time"

const (
	// minHold is the shortest time that a delivery is held back. Rows of the retries
	// table are due more than maxQueueDelay ahead; the extra minute is for the write.
	minHold = 16 * time.Minute
	// holdGrowth is the ratio of successive waits of a delivery that is held back
	// repeatedly. With it, 75 hours take about 14 waits: during an outage of days, the
	// backlog does not move every 16 minutes.
	holdGrowth = 1.5
)

// FirstDue returns when the first attempt of d was due.
func (d Delivery) FirstDue() time.Time {
	if d.First.IsZero() {
		return d.Due
	}
	return d.First
}

// planned returns the due time of d by the schedule alone.
func (d Delivery) planned() time.Time {
	if d.Planned.IsZero() {
		return d.Due
	}
	return d.Planned
}

// end returns when the total time of the schedule is over for d.
func (s Schedule) end(d Delivery) time.Time { return d.FirstDue().Add(s.Total()) }

// Over reports whether the total time of the schedule is over for d at now. A
// delivery is not held back after that.
func (s Schedule) Over(d Delivery, now time.Time) bool { return !now.Before(s.end(d)) }

// Hold returns d with a later due time, and the same attempt. The due time is never
// later than the end of the schedule, so the caller checks Over first.
//
// The possible due times of a delivery are fixed. They are the first due time plus a
// wait, which starts at 16 to 24 minutes and grows by half each time. A hash decides
// the first wait, so that a burst of deliveries spreads. Hold returns the next of
// these times, so copies of a delivery that are held back at different times get the
// same due time and collapse into one row, unless one of these times lies between
// them. Later attempts use the schedule's own times, so copies agree again then.
func (s Schedule) Hold(d Delivery, now time.Time) Delivery {
	first, earliest := d.FirstDue(), now.Add(minHold)
	fraction := (jitter(d) + maxJitter) / (2 * maxJitter) // in [0, 1)
	wait := time.Duration(float64(minHold) * (1 + fraction*(holdGrowth-1)))
	d.Planned = d.planned()
	for !first.Add(wait).After(earliest) {
		wait = time.Duration(float64(wait) * holdGrowth)
	}
	due := first.Add(wait).Truncate(time.Millisecond)
	if end := s.end(d); due.After(end) {
		due = end
	}
	d.First, d.Due, d.Held, d.SlowAt, d.Rate = first, due, true, 0, 0
	return d
}
