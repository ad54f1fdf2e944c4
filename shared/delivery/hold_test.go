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

// What the retries table keeps must be due more than this ahead.
const queueReach = 15 * time.Minute

func drawn(t *rapid.T) delivery.Delivery {
	d := sample()
	d.Event.ID = fmt.Sprintf("evt_%d", rapid.IntRange(0, 1<<20).Draw(t, "event"))
	d.Attempt = rapid.IntRange(1, 10).Draw(t, "attempt")
	return d
}

// However often it is held, at whatever times: never beyond the time of the
// schedule, a row only when it is far enough ahead, and always the same attempt.
// Over says when it is to be held no more.
func TestADeliveryIsNeverHeldBeyondItsSchedule(t *testing.T) {
	t.Parallel()
	s := standard(t)
	rapid.Check(t, func(t *rapid.T) {
		d := drawn(t)
		end := d.Due.Add(s.Total())
		now, holds := d.Due, 0
		for {
			// Late by what queues, the retrier's tick and a busy account may cost.
			now = now.Add(time.Duration(rapid.IntRange(0, 120_000).Draw(t, "late")) * time.Millisecond)
			if s.Over(d, now) == now.Before(end) {
				t.Fatalf("over at %v: %t, and its time ends at %v", now, s.Over(d, now), end)
			}
			if s.Over(d, now) {
				break
			}
			held := s.Hold(d, now)
			if held.Due.After(end) || !held.Due.After(now) || held.Due.Before(now.Add(queueReach)) && !held.Due.Equal(end) {
				t.Fatalf("held at %v until %v, and its time ends at %v", now, held.Due, end)
			}
			if held.Attempt != d.Attempt || !held.FirstDue().Equal(due) || !held.Held {
				t.Fatalf("held as %+v", held)
			}
			decoded, err := delivery.Decode([]byte(held.Encode()))
			if err != nil || cmp.Diff(&held, decoded.Delivery) != "" {
				t.Fatalf("the row says %+v, want %+v (%v)", decoded.Delivery, held, err)
			}
			d, now, holds = held, held.Due, holds+1
		}
		if holds > 20 {
			t.Fatalf("held %d times in %v: each is a row and a message", holds, s.Total())
		}
	})
}

// Two copies that come within a minute of each other agree on when they come
// back, unless such a moment lies just between them.
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
		t.Errorf("%d of %d pairs agree", same, n)
	}
}

func TestABurstIsNotHeldUntilOneMoment(t *testing.T) {
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
			t.Errorf("%d of 800 come back in minute %d", n, minute)
		}
	}
}

// The clock goes on between Over and Hold: what is held just after its time comes
// back at once, and still says when that was.
func TestHeldJustAfterItsTime(t *testing.T) {
	t.Parallel()
	s, d := standard(t), sample()
	end := d.Due.Add(s.Total())
	if held := s.Hold(d, end.Add(time.Second)); !held.Due.Equal(end) || !s.Over(held, end) {
		t.Errorf("held until %v, want %v", held.Due, end)
	}
}

func TestAMessageWithoutItsFirstDueTime(t *testing.T) {
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
		t.Error("a first attempt carries its due time twice")
	}
	older := strings.Replace(second.Encode(), fmt.Sprintf(`"first":%d,`, due.UnixMilli()), "", 1)
	m, err := delivery.Decode([]byte(older))
	if err != nil || !m.Delivery.FirstDue().Equal(next) || !m.Delivery.First.IsZero() {
		t.Errorf("decoded %+v, %v: want its own due time as the first", m.Delivery, err)
	}
	later := next.Add(time.Hour)
	following := second.Following(delivery.Verdict{Next: later, At: later})
	if !following.FirstDue().Equal(due) {
		t.Errorf("the third attempt was first due at %v, want %v", following.FirstDue(), due)
	}
}

// What was held goes on with its schedule as if it had not been: two copies that
// came back at different times agree again.
func TestAHeldDeliveryKeepsItsSchedule(t *testing.T) {
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
