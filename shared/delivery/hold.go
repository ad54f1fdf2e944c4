package delivery

import "time"

const (
	// minHold is the shortest time that a delivery is held back. What the retries
	// table keeps must be due more than 15 minutes ahead, or the retrier's cursor
	// could already be past it; the minute more is for the way into the table.
	minHold = 16 * time.Minute
	// rung is the ratio of the waits of a delivery that is held again and again.
	// With it, 75 hours are a dozen waits, much like the schedule itself: a
	// receiver's outage of days does not move its whole backlog every 16 minutes.
	rung = 1.5
)

// FirstDue returns when the first attempt of d was due.
func (d Delivery) FirstDue() time.Time {
	if d.First.IsZero() {
		return d.Due
	}
	return d.First
}

// planned returns when the schedule had the attempt of d due.
func (d Delivery) planned() time.Time {
	if d.Planned.IsZero() {
		return d.Due
	}
	return d.Planned
}

// end returns when the time is over that the schedule has for all attempts of d
// together.
func (s Schedule) end(d Delivery) time.Time { return d.FirstDue().Add(s.Total()) }

// Over reports whether at now d is to be held back no more.
func (s Schedule) Over(d Delivery, now time.Time) bool { return !now.Before(s.end(d)) }

// Hold returns d as it is held back at now, without using up its attempt. It is
// never held beyond the time that the schedule has: ask Over first.
//
// The due time is the next of a few moments that are fixed for every delivery:
// its first due time and waits that grow by half each, from 16 to 24 minutes on
// (a hash decides, so that a burst does not come back as one). Copies of a
// delivery that are held at different times so agree on when they come back,
// and collapse into one row, unless such a moment lies between them. The attempts
// that follow keep the schedule's own times, so even then they agree again.
func (s Schedule) Hold(d Delivery, now time.Time) Delivery {
	first, earliest := d.FirstDue(), now.Add(minHold)
	fraction := (jitter(d) + spread) / (2 * spread) // in [0, 1)
	wait := time.Duration(float64(minHold) * (1 + fraction*(rung-1)))
	d.Planned = d.planned()
	for !first.Add(wait).After(earliest) {
		wait = time.Duration(float64(wait) * rung)
	}
	due := first.Add(wait).Truncate(time.Millisecond)
	if end := s.end(d); due.After(end) {
		due = end
	}
	d.First, d.Due, d.Held, d.Slow = first, due, true, false
	return d
}
