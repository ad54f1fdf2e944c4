package retrier_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"webhooks/shared/delivery/retrydb"
)

// A dispatcher writes a row that is due in more than 15 minutes by its own clock, or
// at once if the queue refused the message. The retrier finds the row although its
// own clock shows another time.
func TestARowOfAnotherClockIsFound(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		ahead time.Duration // the dispatcher's clock minus the retrier's
		due   time.Duration // from the dispatcher's now
	}{
		{name: "stored, a second behind", ahead: -time.Second, due: 15*time.Minute + time.Millisecond},
		{name: "stored, 24 minutes behind", ahead: -24 * time.Minute, due: 15*time.Minute + time.Millisecond},
		{name: "stored, two minutes ahead", ahead: 2 * time.Minute, due: 15*time.Minute + time.Millisecond},
		{name: "refused, a second behind", ahead: -time.Second},
		{name: "refused, nine minutes behind", ahead: -9 * time.Minute},
		{name: "refused, two minutes ahead", ahead: 2 * time.Minute},
		{name: "refused, nine minutes ahead", ahead: 9 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(retrydb.New(newMemory(), "retries"))
			if err := b.store.Advance(t.Context(), retrydb.MinuteOf(b.now.Add(-15*time.Minute))); err != nil {
				t.Fatal(err)
			}
			b.run(t) // advances the cursor
			due := b.now.Add(tt.ahead + tt.due)
			b.put(t, waiting("evt_1", due))
			for range 60 {
				b.run(t)
				if moved := b.sent.take(t); len(moved) == 1 {
					if early := due.Sub(b.now) - moved["evt_1"]; early != 0 || due.Sub(b.now) > 90*time.Second {
						t.Errorf("the row is moved %v before it is due, with a delay of %v", due.Sub(b.now), moved["evt_1"])
					}
					return
				}
				b.now = b.now.Add(time.Minute)
			}
			t.Error("the row is not moved within an hour")
		})
	}
}

// Two retriers take turns, and the clock of one is up to nine minutes ahead. The cursor
// never passes a row that a dispatcher writes by the slower clock.
func TestTwoRetriersWithOtherClocksLoseNothing(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{time.Second, time.Minute, 9 * time.Minute} {
		t.Run(ahead.String(), func(t *testing.T) {
			t.Parallel()
			b := newBundle(retrydb.New(newMemory(), "retries"))
			if err := b.store.Advance(t.Context(), retrydb.MinuteOf(b.now.Add(-15*time.Minute))); err != nil {
				t.Fatal(err)
			}
			moved := 0
			const minutes = 45
			for minute := range minutes {
				slow := start.Add(time.Duration(minute) * time.Minute)
				b.now = slow.Add(ahead)
				b.run(t)
				moved += len(b.sent.take(t))
				b.put(t, several(4, slow)...) // due at once by the slower clock
				b.now = slow
				b.run(t)
				moved += len(b.sent.take(t))
			}
			if moved != 4*minutes {
				t.Errorf("%d of %d rows were moved", moved, 4*minutes)
			}
			if behind := b.behind(t); behind > 10 {
				t.Errorf("the cursor is %d minutes behind the slower clock", behind)
			}
		})
	}
}

// drawSkew gives each instance that runs one of two clocks, which differ from the queue's
// by up to most.
func (w *world) drawSkew(t *rapid.T, most time.Duration) {
	clock := rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.Int64Range(-int64(most/time.Second), int64(most/time.Second)).Draw(t, "seconds")) * time.Second
	})
	clocks := []time.Duration{clock.Draw(t, "clock of one instance"), clock.Draw(t, "clock of the other")}
	w.maxSkew = most
	w.skew = func() time.Duration { return rapid.SampledFrom(clocks).Draw(t, "instance") }
}

// The clocks of dispatchers and retriers differ by up to nine minutes, instances crash
// and the queue refuses messages: every attempt is made, and no row is left behind.
func TestNothingIsLostBetweenSkewedClocks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, shortSchedule)
		w.drawSkew(rt, 4*time.Minute+30*time.Second)
		left := 3
		fails := func(label string) bool {
			if left == 0 || !rapid.Bool().Draw(rt, label) {
				return false
			}
			left--
			return true
		}
		w.refuse = func() bool { return fails("the queue refuses") }
		faultOf := func(int) fault {
			if !fails("the dispatcher dies") {
				return none
			}
			return fault(rapid.IntRange(int(none)+1, int(faults)-1).Draw(rt, "fault"))
		}
		w.runToEnd(rt, faultOf, func() bool { return fails("the retrier dies") }, func() {})
		for attempt, made := range w.made[1:] {
			if made == 0 {
				rt.Fatalf("attempt %d was never made: %v", attempt+1, w.made[1:])
			}
		}
	})
}

// Clocks that differ by up to four minutes do not stop copies of a delivery from
// collapsing: the schedule's times do not depend on the clock.
func TestCopiesCollapseBetweenSkewedClocks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, shortSchedule)
		w.drawSkew(rt, 2*time.Minute)
		w.runToEnd(rt, once(rt, len(w.made)), never, func() {
			if rows := len(w.table.waiting()); rows > 1 {
				rt.Fatalf("%d rows of one delivery, requests by attempt: %v", rows, w.made[1:])
			}
		})
		for attempt := 4; attempt < len(w.made); attempt++ {
			if w.made[attempt] != 1 {
				rt.Fatalf("attempt %d is %d requests: %v", attempt, w.made[attempt], w.made[1:])
			}
		}
	})
}
