package retrydb_test

import (
	"sync"
	"testing"

	"pgregory.net/rapid"

	"webhooks/shared/delivery/retrydb"
)

func (b bundle) cursor(t *testing.T) (retrydb.Minute, bool) {
	t.Helper()
	m, known, err := b.Cursor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m, known
}

func TestANewTableHasNoCursor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if m, known := b.cursor(t); known {
		t.Errorf("cursor = %d, want none", m)
	}
	if err := b.Advance(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if m, known := b.cursor(t); !known || m != 0 {
		t.Errorf("cursor = %d, %t, want 0", m, known)
	}
}

func TestTheCursorOnlyMovesForward(t *testing.T) {
	t.Parallel()
	b := setup(t)
	furthest := retrydb.Minute(0)
	rapid.Check(t, func(rt *rapid.T) {
		m := retrydb.Minute(rapid.Int64Range(0, 1<<25).Draw(rt, "minute"))
		if err := b.Advance(t.Context(), m); err != nil {
			rt.Fatal(err)
		}
		furthest = max(furthest, m)
		if got, known, err := b.Cursor(t.Context()); err != nil || !known || got != furthest {
			rt.Fatalf("cursor = %d (%v), want %d", got, err, furthest)
		}
	})
}

func TestRetriersAtOnceLeaveTheFurthestCursor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var group sync.WaitGroup
	for m := range retrydb.Minute(20) {
		group.Go(func() {
			if err := b.Advance(t.Context(), m); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if m, _ := b.cursor(t); m != 19 {
		t.Errorf("cursor = %d, want 19", m)
	}
}

func TestTheCursorIsNotARow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if err := b.Advance(t.Context(), retrydb.MinuteOf(due)); err != nil {
		t.Fatal(err)
	}
	if rows, _ := b.list(t, retrydb.MinuteOf(due)); len(rows) != 0 {
		t.Errorf("%d rows, want none", len(rows))
	}
	// Without a cursor the retrier reads only the rows of the last day.
	if _, expires := b.raw(t)[0]["ttl"]; expires {
		t.Error("the cursor has a TTL")
	}
}
