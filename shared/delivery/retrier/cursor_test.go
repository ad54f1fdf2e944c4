package retrier_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"webhooks/shared/delivery"
	"webhooks/shared/delivery/retrydb"
)

func TestTheCursorFollowsTenMinutesBehind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 3 {
		b.run(t)
		// Ten minutes ago is within minute -10, so that minute is not yet settled.
		if got := b.behind(t); got != 10 {
			t.Fatalf("the cursor is %d minutes behind, want 10", got)
		}
		b.now = b.now.Add(time.Minute)
	}
}

func TestTheCursorPassesNoMinuteThatWasNotEmpty(t *testing.T) {
	t.Parallel()
	shards := []string{"evt_0000", "evt_0001", "evt_0002", "evt_0003", "evt_0004", "evt_0005", "evt_0006", "evt_0007"}
	for _, name := range shards { // rows of every shard
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.put(t, waiting(name, b.now.Add(-13*time.Minute)))
			b.run(t)
			if got := b.behind(t); got != 13 {
				t.Errorf("the cursor is %d minutes behind, want 13: the minute had a row", got)
			}
			b.run(t)
			if got := b.behind(t); got != 10 {
				t.Errorf("the cursor is %d minutes behind after the row was moved, want 10", got)
			}
		})
	}
}

func TestTheCursorPassesNoMinuteThatWasNotRead(t *testing.T) {
	t.Parallel()
	for shard := range retrydb.Shards {
		b := setup(t)
		b.retries.list = func(m retrydb.Minute, s int) error {
			if m == retrydb.MinuteOf(b.now)-12 && s == shard {
				return errBroken
			}
			return nil
		}
		if err := b.retrier.Run(t.Context()); !errors.Is(err, errBroken) {
			t.Errorf("Run = %v, want the failure", err)
		}
		if got := b.behind(t); got != 12 {
			t.Errorf("shard %d: the cursor is %d minutes behind, want 12", shard, got)
		}
	}
}

func TestARowThatCannotBeSentHoldsTheCursor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put(t, waiting("evt_1", b.now.Add(-11*time.Minute)))
	b.sent.refuse = func(delivery.Delivery) error { return errBroken }
	for range 3 {
		if err := b.retrier.Run(t.Context()); !errors.Is(err, errBroken) {
			t.Errorf("Run = %v, want the failure", err)
		}
		b.now = b.now.Add(time.Minute)
	}
	b.sent.refuse = nil
	b.run(t)
	if moved := b.sent.take(t); len(moved) != 1 {
		t.Errorf("moved %v, want evt_1", moved)
	}
}

// A row may be late because of another clock or a slow write.
func TestALateRowIsFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run(t)
	for name, late := range map[string]time.Duration{"evt_1": time.Second, "evt_2": 5 * time.Minute, "evt_3": 10 * time.Minute} {
		b.put(t, waiting(name, b.now.Add(-late)))
	}
	b.run(t)
	if moved := b.sent.take(t); len(moved) != 3 {
		t.Errorf("moved %v, want all three", moved)
	}
}

func TestARunMovesTheRowsOfMissedRuns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, offset := range map[string]time.Duration{"evt_1": 3 * time.Minute, "evt_2": 40 * time.Minute, "evt_3": 61 * time.Minute} {
		b.put(t, waiting(name, b.now.Add(offset)))
	}
	b.now = b.now.Add(time.Hour)
	b.run(t)
	moved := b.sent.take(t)
	if len(moved) != 3 || moved["evt_1"] > 0 || moved["evt_2"] > 0 || moved["evt_3"] != time.Minute {
		t.Errorf("moved %v, want evt_1 and evt_2 at once and evt_3 in a minute", moved)
	}
	b.run(t)
	if got := b.behind(t); got != 10 {
		t.Errorf("the cursor is %d minutes behind after an hour without runs, want 10", got)
	}
}

func TestARunWithoutACursorStartsADayBack(t *testing.T) {
	t.Parallel()
	b := newBundle(retrydb.New(newMemory(), "retries"))
	b.put(t, waiting("evt_1", b.now.Add(-23*time.Hour)), waiting("evt_2", b.now))
	b.run(t)
	if moved := b.sent.take(t); len(moved) != 2 {
		t.Errorf("moved %v, want both rows", moved)
	}
	if got := b.behind(t); got != 23*60 {
		t.Errorf("the cursor is %d minutes behind, want it at the row of 23 hours ago", got)
	}
	b.run(t)
	if got := b.behind(t); got != 10 {
		t.Errorf("the cursor is %d minutes behind, want 10", got)
	}
}

func TestAnUnreadableRowHoldsTheCursorAndNothingElse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	at := b.now.Add(-12 * time.Minute)
	if _, err := b.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &b.table, Item: unreadable(at)}); err != nil {
		t.Fatal(err)
	}
	b.put(t, several(8, at)...) // some in the same shard
	b.put(t, waiting("after", b.now))
	for range 2 {
		if err := b.retrier.Run(t.Context()); err == nil {
			t.Error("the unreadable row is not reported")
		}
		if got := b.behind(t); got != 12 {
			t.Errorf("the cursor is %d minutes behind, want 12", got)
		}
	}
	if moved := b.sent.take(t); len(moved) != 9 {
		t.Errorf("moved %d rows, want the nine that can be decoded", len(moved))
	}
}
