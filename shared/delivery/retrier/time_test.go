package retrier_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"webhooks/shared/delivery"
	"webhooks/shared/delivery/retrydb"
)

// timed returns a retrier on a table in memory, with the clock of synctest. The cursor
// is 15 minutes behind.
func timed(t *testing.T) (*bundle, *memory) {
	t.Helper()
	table := newMemory()
	b := newBundle(retrydb.New(table, "retries"))
	b.now = time.Now()
	b.retrier.Now = time.Now
	if err := b.store.Advance(t.Context(), retrydb.MinuteOf(b.now.Add(-15*time.Minute))); err != nil {
		t.Fatal(err)
	}
	return b, table
}

// tick runs the retrier with the time limit of its function.
func (b *bundle) tick(t *testing.T) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	defer cancel()
	err := b.retrier.Run(ctx)
	if ctx.Err() != nil {
		t.Fatal("the run did not end before the time limit")
	}
	return err
}

func TestABacklogIsContinuedByTheNextRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, table := timed(t)
		const n = 6000
		b.put(t, several(n, b.now.Add(-12*time.Minute))...)
		b.sent.refuse = func(delivery.Delivery) error {
			time.Sleep(40 * time.Millisecond) // a slow queue: about 4,500 rows a run
			return nil
		}
		moved := 0
		for run := 1; moved < n; run++ {
			if err := b.tick(t); err != nil {
				t.Fatal(err)
			}
			now := len(b.sent.take(t)) // take fails if a row is sent twice
			if moved += now; now == 0 || now == n || run > 20 {
				t.Fatalf("run %d moved %d rows, %d in all", run, now, moved)
			}
			if left := len(table.waiting()); left != n-moved {
				t.Fatalf("%d rows are left after %d of %d moved", left, moved, n)
			}
		}
	})
}

func TestTheDelayCountsFromTheSend(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, table := timed(t)
		due := b.now.Add(80 * time.Second)
		b.put(t, waiting("evt_1", due))
		table.query = func() { time.Sleep(time.Second) }
		if err := b.tick(t); err != nil {
			t.Fatal(err)
		}
		delay := b.sent.take(t)["evt_1"]
		// The queue counts the delay from the send.
		if arrives := b.now.Add(delay); !arrives.Before(due) || delay <= 0 {
			t.Errorf("delay %v: the time since the start of the run is not subtracted", delay)
		}
	})
}

// A row that cannot be decoded holds the cursor until an operator deletes it. A run
// reads the minutes since then after the rows that are due now.
func TestAHeldCursorDoesNotDelayRowsThatAreDueNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, table := timed(t)
		table.put(unreadable(b.now.Add(-12 * time.Minute)))
		table.query = func() { time.Sleep(5 * time.Millisecond) }
		time.Sleep(10 * 24 * time.Hour)
		b.put(t, waiting("evt_1", time.Now()))
		if err := b.tick(t); err == nil {
			t.Error("the unreadable row is not reported")
		}
		if moved := b.sent.take(t); len(moved) != 1 {
			t.Errorf("moved %v, want evt_1", moved)
		}
	})
}

func TestARunWithoutTimeDoesNotMoveTheCursor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, _ := timed(t)
		b.put(t, waiting("evt_1", b.now))
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		if err := b.retrier.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if got := b.behind(t); got != 15 || len(b.sent.take(t)) != 0 {
			t.Errorf("the cursor is %d minutes behind, want 15 and no row moved", got)
		}
	})
}

// Its rate limit may have changed. If not, the dispatcher stores it again.
func TestADeliveryWhoseSlotIsHoursAheadComesBackWithItsSlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, _ := timed(t)
		slot := b.now.Add(5*time.Hour + 61*time.Second)
		b.now = b.now.Add(-30 * time.Minute) // when it is stored
		b.put(t, waiting("evt_1", b.now).InSlot(slot, 0.1))
		if err := b.tick(t); err != nil {
			t.Fatal(err)
		}
		if sent := b.sent.take(t); len(sent) != 1 || sent["evt_1"] != 61*time.Second {
			t.Errorf("sent with the delays %v, want 61 s: whole hours before its slot", sent)
		}
	})
}

// The dispatcher waits for the rest of the second. If the queue waited, all deliveries
// of a second would begin at its end.
func TestADeliveryWithASlotIsSentSoThatItComesBeforeIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, _ := timed(t)
		var slots []delivery.Delivery
		for i, name := range []string{"evt_0", "evt_1", "evt_2"} {
			slots = append(slots, waiting(name, b.now).InSlot(b.now.Add(61*time.Second+time.Duration(i)*400*time.Millisecond), 2.5))
		}
		b.put(t, slots...)
		if err := b.tick(t); err != nil {
			t.Fatal(err)
		}
		for name, delay := range b.sent.take(t) {
			if delay != 61*time.Second {
				t.Errorf("%s: a delay of %v, want 61 s", name, delay)
			}
		}
	})
}
