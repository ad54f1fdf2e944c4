package delivery_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"webhooks/shared/delivery"
)

// maxQueueDelay is the longest DelaySeconds of SQS. A row of the retries table is due
// later.
const maxQueueDelay = 15 * time.Minute

// drawn returns a delivery with a random event and attempt.
func drawn(t *rapid.T) delivery.Delivery {
	d := sample()
	d.Event.ID = fmt.Sprintf("evt_%d", rapid.IntRange(0, 1<<20).Draw(t, "event"))
	d.Attempt = rapid.IntRange(1, 10).Draw(t, "attempt")
	return d
}

// However often and whenever a delivery is held back: its due time is never later than
// the end of the schedule, and at least maxQueueDelay ahead unless it is that end; its
// attempt stays the same; and Over reports the end.
func TestHoldEndsWithTheSchedule(t *testing.T) {
	t.Parallel()
	s := standard(t)
	rapid.Check(t, func(t *rapid.T) {
		d := drawn(t)
		end := d.Due.Add(s.Total())
		now, holds := d.Due, 0
		for {
			// Queues, the retrier's tick and throttling delay an attempt.
			now = now.Add(time.Duration(rapid.IntRange(0, 120_000).Draw(t, "late")) * time.Millisecond)
			if s.Over(d, now) == now.Before(end) {
				t.Fatalf("Over at %v is %t, and the schedule ends at %v", now, s.Over(d, now), end)
			}
			if s.Over(d, now) {
				break
			}
			held := s.Hold(d, now)
			if held.Due.After(end) || !held.Due.After(now) || held.Due.Before(now.Add(maxQueueDelay)) && !held.Due.Equal(end) {
				t.Fatalf("held at %v until %v, and the schedule ends at %v", now, held.Due, end)
			}
			if held.Attempt != d.Attempt || !held.FirstDue().Equal(due) || !held.Held {
				t.Fatalf("Hold returns %+v", held)
			}
			decoded, err := delivery.Decode([]byte(held.Encode()))
			if err != nil || cmp.Diff([]delivery.Delivery{held}, decoded.Deliveries) != "" {
				t.Fatalf("decoded %+v, want %+v (%v)", decoded.Deliveries, held, err)
			}
			d, now, holds = held, held.Due, holds+1
		}
		if holds > 20 {
			t.Fatalf("held %d times in %v: each time costs a row and a message", holds, s.Total())
		}
	})
}

// Two copies that are held back a minute apart get the same due time, unless one of
// the possible due times lies between them.
func TestCopiesAreHeldUntilTheSameTime(t *testing.T) {
	t.Parallel()
	s, same := standard(t), 0
	const n = 1000
	for i := range n {
		d := sample()
		d.Event.ID = fmt.Sprintf("evt_%d", i)
		now := d.Due.Add(time.Duration(i) * time.Minute)
		one := s.Hold(d, now)
		other := s.Hold(d, now.Add(time.Minute))
		if one.Due.Equal(other.Due) {
			same++
		}
	}
	if same < n*95/100 {
		t.Errorf("%d of %d pairs have the same due time, want 95 %%", same, n)
	}
}

func TestHoldSpreadsABurst(t *testing.T) {
	t.Parallel()
	s, minutes := standard(t), make(map[int64]int)
	for i := range 800 {
		d := sample()
		d.Event.ID = fmt.Sprintf("evt_%d", i)
		held := s.Hold(d, d.Due)
		minutes[held.Due.Unix()/60]++
	}
	for minute, n := range minutes {
		if n > 200 {
			t.Errorf("%d of 800 are due in minute %d, want at most 200", n, minute)
		}
	}
}

// The schedule may end between the calls of Over and Hold: then the delivery is due
// at that end, and so at once.
func TestHoldJustAfterTheEndOfTheSchedule(t *testing.T) {
	t.Parallel()
	s, d := standard(t), sample()
	end := d.Due.Add(s.Total())
	if held := s.Hold(d, end.Add(time.Second)); !held.Due.Equal(end) || !s.Over(held, end) {
		t.Errorf("held until %v, want %v", held.Due, end)
	}
}

func TestDecodeWithoutTheFirstDueTime(t *testing.T) {
	t.Parallel()
	s := standard(t)
	first := sample()
	next, _ := s.Next(first)
	second := first.Following(delivery.Verdict{Next: next, At: next})
	for _, d := range []delivery.Delivery{first, second} {
		if !d.FirstDue().Equal(due) {
			t.Errorf("attempt %d was first due at %v, want %v", d.Attempt, d.FirstDue(), due)
		}
	}
	if strings.Contains(first.Encode(), `"first"`) {
		t.Error("the message of a first attempt has its due time twice")
	}
	older := strings.Replace(second.Encode(), fmt.Sprintf(`"first":%d,`, due.UnixMilli()), "", 1)
	m, err := delivery.Decode([]byte(older))
	if err != nil || !m.Deliveries[0].FirstDue().Equal(next) || !m.Deliveries[0].First.IsZero() {
		t.Errorf("decoded %+v, %v: want FirstDue to be its due time", m.Deliveries, err)
	}
	later := next.Add(time.Hour)
	following := second.Following(delivery.Verdict{Next: later, At: later})
	if !following.FirstDue().Equal(due) {
		t.Errorf("the third attempt was first due at %v, want %v", following.FirstDue(), due)
	}
}

// Hold does not change the due times of later attempts, so two copies that are due at
// different times agree again.
func TestHoldKeepsTheSchedule(t *testing.T) {
	t.Parallel()
	s, d := standard(t), sample()
	want, _ := s.Next(d)
	for range 3 {
		held := s.Hold(d, d.Due)
		if next, _ := s.Next(held); !next.Equal(want) {
			t.Errorf("held until %v, the next attempt is due at %v, want %v", held.Due, next, want)
		}
		d = held
	}
}
