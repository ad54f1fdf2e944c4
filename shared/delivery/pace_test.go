package delivery_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
)

// Copies of a delivery get different slots. Their later due times must still agree, so
// that they collapse into one row.
func TestASlotDoesNotMoveLaterAttempts(t *testing.T) {
	t.Parallel()
	s := standard(t)
	rapid.Check(t, func(t *rapid.T) {
		d := drawn(t)
		slot := d.Due.Add(time.Duration(rapid.IntRange(0, 80*3600).Draw(t, "waits")) * time.Second)
		paced := d.InSlot(slot, 2.5)
		again := paced.InSlot(slot.Add(time.Minute), 10)
		if !paced.Due.Equal(slot) || paced.Attempt != d.Attempt || !paced.FirstDue().Equal(d.FirstDue()) {
			t.Fatalf("in its slot: %+v", paced)
		}
		want, more := s.Next(d)
		for _, p := range []delivery.Delivery{paced, again, s.Hold(paced, slot)} {
			if next, still := s.Next(p); !next.Equal(want) || still != more {
				t.Fatalf("the next attempt of %+v is due at %v, want %v", p, next, want)
			}
			if s.Over(p, slot) != s.Over(d, slot) {
				t.Fatalf("%+v: the schedule ends at another time", p)
			}
		}
	})
}

func TestASlotIsForOneAttempt(t *testing.T) {
	t.Parallel()
	s := standard(t)
	paced := sample().InSlot(due.Add(time.Minute), 10)
	verdict := s.Decide(paced, attempt.Result{StatusCode: 500}, paced.Due)
	if next := paced.Following(verdict); next.Rate != 0 {
		t.Errorf("the next attempt has the slot of this one: %+v", next)
	}
	if held := s.Hold(paced, paced.Due); held.Rate != 0 {
		t.Errorf("a delivery that is held back keeps its slot: %+v", held)
	}
}

func TestASlotCanBeUsedForFiveSecondsUnderItsLimit(t *testing.T) {
	t.Parallel()
	slot := due.Add(time.Minute)
	paced := sample().InSlot(slot, 10)
	for _, tt := range []struct {
		name string
		d    delivery.Delivery
		rate float64
		at   time.Time
		want bool
	}{
		{"before it", paced, 10, due, true},
		{"at it", paced, 10, slot, true},
		{"5 s after it", paced, 10, slot.Add(5 * time.Second), true},
		{"later", paced, 10, slot.Add(5*time.Second + time.Millisecond), false},
		{"under another limit", paced, 10.5, slot, false},
		{"without a limit", paced, 0, slot, false},
		{"without a slot", sample(), 10, due, false},
		{"without both", sample(), 0, due, false},
	} {
		if got := tt.d.HasSlot(tt.rate, tt.at); got != tt.want {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.want)
		}
	}
}

// Copies of a delivery with a slot collapse into one row, so the row depends on the slot.
func TestADeliveryWithALaterSlotComesBackAboutEveryHour(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		wait := time.Duration(rapid.IntRange(0, 700*3600*1000).Draw(t, "wait in ms")) * time.Millisecond
		paced := sample().InSlot(due.Add(wait), 10)
		early := paced.Early(due)
		if early%time.Hour != 0 || wait < 16*time.Minute && early != 0 {
			t.Fatalf("%v before its slot: %v early", wait, early)
		}
		if stays := wait - early; wait >= 16*time.Minute && (stays < 16*time.Minute || stays >= 76*time.Minute) {
			t.Fatalf("%v before its slot: in the table for %v", wait, stays)
		}
		other := sample()
		other.Due = paced.Due
		if early := other.Early(due); early != 0 {
			t.Fatalf("a delivery without a slot comes back %v early", early)
		}
	})
}

// A queue delays by whole seconds, rounded up.
func TestADeliveryComesInTheSecondBeforeItsSlot(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for wait, want := range map[time.Duration]time.Duration{
		-time.Hour: -time.Hour, 0: 0, 999 * ms: 0, 1000 * ms: time.Second, 1999 * ms: time.Second, 900 * time.Second: 900 * time.Second,
	} {
		if got := sample().InSlot(due.Add(wait), 10).Delay(due); got != want {
			t.Errorf("%v before its slot: a delay of %v, want %v", wait, got, want)
		}
		late := sample()
		late.Due = due.Add(wait)
		if got := late.Delay(due); got != wait {
			t.Errorf("%v before a due time: a delay of %v", wait, got)
		}
	}
}
