package attemptlogdb_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"webhooks/shared/attemptlog"
	"webhooks/shared/webhook"
)

// TestPagesShowEveryLogWhileOthersAreWritten reads all pages, from the first on,
// while others write logs. Every log that is live throughout is shown. New logs move
// the others to later pages, so a log may be shown again, but never twice on a
// page, and at most as many logs as were written meanwhile.
func TestPagesShowEveryLogWhileOthersAreWritten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	webhooks, start := int64(0), b.now
	rapid.Check(t, func(rt *rapid.T) {
		webhooks++
		b.key, b.now = webhook.Key{TenantID: "acme", ID: webhooks}, start
		for range rapid.IntRange(1, 2).Draw(rt, "before") {
			b.append(t, b.logs(rapid.IntRange(1, 12).Draw(rt, "logs")))
			b.skip(t, rapid.Int64Range(0, 5).Draw(rt, "hole"))
			b.now = b.now.Add(time.Hour)
		}
		size := rapid.IntRange(4, 9).Draw(rt, "size")
		live := make(map[int64]bool)
		for _, log := range b.list(t, 1, 100).Logs { // at most 24
			live[log.ID] = true
		}
		again, written := 0, 0
		shown := make(map[int64]bool)
		for number, pages := 1, int64(1); int64(number) <= pages; number++ {
			n := rapid.IntRange(0, 3).Draw(rt, "meanwhile")
			page := b.listWhile(t, number, size, n)
			pages, written = page.TotalPages, written+n
			last := int64(1 << 62)
			for _, log := range page.Logs {
				if log.ID >= last {
					rt.Fatalf("page %d shows log %d after log %d", number, log.ID, last)
				}
				last = log.ID
				if shown[log.ID] {
					again++
				}
				shown[log.ID] = true
				delete(live, log.ID)
			}
		}
		if len(live) > 0 {
			rt.Errorf("no page shows the logs %v", live)
		}
		if again > written {
			rt.Errorf("%d logs are shown again, although only %d were written meanwhile", again, written)
		}
	})
}

// TestPagesBelowAnIDShowEveryLogOnce reads all pages below a fixed id, while others
// write logs.
func TestPagesBelowAnIDShowEveryLogOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.append(t, b.logs(23))
	before := b.list(t, 1, 1).Logs[0].ID + 1
	var shown []int64
	for number, pages := 1, int64(1); int64(number) <= pages; number++ {
		page, err := b.store.List(t.Context(), b.key, before, number, 7, b.now)
		if err != nil {
			t.Fatal(err)
		}
		pages = page.TotalPages
		for _, log := range page.Logs {
			shown = append(shown, log.ID)
		}
		b.append(t, b.logs(5))
	}
	var want []int64
	for id := before - 1; id >= 1; id-- {
		want = append(want, id)
	}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
}

// listWhile reads a page while n more logs are written.
func (b *bundle) listWhile(t *testing.T, number, size, n int) attemptlog.Page {
	t.Helper()
	logs := b.logs(n)
	var writing sync.WaitGroup
	if n > 0 {
		writing.Go(func() { _, _ = b.store.Append(t.Context(), attemptlog.Chunks(logs)) })
	}
	page := b.list(t, number, size)
	writing.Wait()
	return page
}
