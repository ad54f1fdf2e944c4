package retrier_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/delivery"
	"webhooks/shared/delivery/retrydb"
)

var errBroken = errors.New("broken")

func TestARunMovesTheRowsOfTheNext90Seconds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	offsets := map[string]time.Duration{
		"long_past": -12 * time.Minute, "past": -5 * time.Second, "now": 0, "soon": 30*time.Second + 7*time.Millisecond,
		"at_the_edge": 90 * time.Second, "beyond": 90*time.Second + time.Millisecond, "later": 20 * time.Minute,
	}
	for name, offset := range offsets {
		b.put(t, waiting(name, b.now.Add(offset)))
	}
	b.run(t)

	want := maps.Clone(offsets)
	delete(want, "beyond")
	delete(want, "later")
	if diff := cmp.Diff(want, b.sent.take(t)); diff != "" {
		t.Errorf("delays (-want +got):\n%s", diff)
	}
	for name, offset := range offsets {
		_, moved := want[name]
		if left := b.left(t, b.now.Add(offset)); name != "at_the_edge" && name != "beyond" && (left == 0) != moved {
			t.Errorf("%s: %d rows are left, moved: %t", name, left, moved)
		}
	}
	// The rows at the edge and beyond it are in the same minute.
	if left := b.left(t, b.now.Add(offsets["beyond"])); left != 1 {
		t.Errorf("%d rows are left in the minute of the edge, want the one beyond it", left)
	}
	b.run(t)
	if again := b.sent.take(t); len(again) != 0 {
		t.Errorf("the next run moved %v, want nothing", again)
	}
}

func TestTheMessageIsTheDelivery(t *testing.T) {
	t.Parallel()
	b := setup(t)
	want := waiting("evt_1", b.now)
	b.put(t, want)
	b.run(t)
	got, err := delivery.Decode([]byte(b.sent.messages[0].Body))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]delivery.Delivery{want}, got.Deliveries); diff != "" || b.sent.messages[0].Group != "acme" {
		t.Errorf("group %s, delivery (-want +got):\n%s", b.sent.messages[0].Group, diff)
	}
}

func TestMovesMoreThanAPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put(t, several(450, b.now)...)
	b.run(t)
	if got := len(b.sent.take(t)); got != 450 || b.left(t, b.now) != 0 {
		t.Errorf("moved %d rows of 450, %d are left", got, b.left(t, b.now))
	}
}

func TestARowIsDeletedAfterItsMessageIsSent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put(t, several(20, b.now)...)
	b.sent.refuse = func(d delivery.Delivery) error {
		if b.left(t, b.now) == 0 {
			t.Error("rows are deleted before their message is sent")
		}
		if strings.HasSuffix(d.Event.ID, "7") {
			return errBroken
		}
		return nil
	}
	if err := b.retrier.Run(t.Context()); !errors.Is(err, errBroken) {
		t.Errorf("Run = %v, want the failure", err)
	}
	if moved := b.sent.take(t); len(moved) != 18 || b.left(t, b.now) != 2 {
		t.Errorf("moved %d, %d are left, want 18 and 2", len(moved), b.left(t, b.now))
	}
	b.sent.refuse = nil
	b.run(t)
	got := slices.Sorted(maps.Keys(b.sent.take(t)))
	if diff := cmp.Diff([]string{"evt_0007", "evt_0017"}, got); diff != "" || b.left(t, b.now) != 0 {
		t.Errorf("moved by the next run (-want +got):\n%s", diff)
	}
}

func TestARowThatCannotBeDeletedIsSentAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put(t, waiting("evt_1", b.now))
	b.retries.delete = func([]retrydb.Row) error { return errBroken }
	if err := b.retrier.Run(t.Context()); !errors.Is(err, errBroken) {
		t.Errorf("Run = %v, want the failure", err)
	}
	b.sent.take(t)
	b.retries.delete = nil
	b.run(t)
	if again := b.sent.take(t); len(again) != 1 || b.left(t, b.now) != 0 {
		t.Errorf("sent again: %v, %d rows are left, want evt_1 and none", again, b.left(t, b.now))
	}
}

func TestTwoRetriersAtOnceLoseNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const n = 120
	b.put(t, several(n, b.now)...)
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			if err := b.retrier.Run(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	copies := make(map[string]int)
	for _, m := range b.sent.messages {
		copies[m.Body]++
	}
	if len(copies) != n || b.left(t, b.now) != 0 {
		t.Errorf("%d of %d deliveries were sent, %d rows are left", len(copies), n, b.left(t, b.now))
	}
	// Copies are equal byte for byte, so they compute the same next due time.
	for body, count := range copies {
		if count > 2 {
			t.Errorf("%d copies of %s", count, body)
		}
	}
}

func TestWithoutItsCursorNothingIsMoved(t *testing.T) {
	t.Parallel()
	b := newBundle(retrydb.New(brokenCursor{newMemory()}, "retries"))
	b.put(t, waiting("evt_1", b.now))
	if err := b.retrier.Run(t.Context()); !errors.Is(err, errBroken) {
		t.Errorf("Run = %v, want the failure", err)
	}
	if moved := b.sent.take(t); len(moved) != 0 {
		t.Errorf("moved %v, want nothing", moved)
	}
}

func TestAFailureInOneMinuteDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put(t, waiting("evt_1", b.now.Add(-2*time.Minute)), waiting("evt_2", b.now))
	b.retries.list = func(m retrydb.Minute, _ int) error {
		if m == retrydb.MinuteOf(b.now)-2 {
			return errBroken
		}
		return nil
	}
	if err := b.retrier.Run(t.Context()); !errors.Is(err, errBroken) {
		t.Errorf("Run = %v, want the failure", err)
	}
	if moved := b.sent.take(t); len(moved) != 1 {
		t.Errorf("moved %v, want evt_2", moved)
	}
}
