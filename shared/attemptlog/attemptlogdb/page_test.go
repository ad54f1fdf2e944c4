package attemptlogdb_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/apperr"
	"webhooks/shared/attemptlog"
	"webhooks/shared/webhook"
)

// all reads every page and checks its totals.
func (b *bundle) all(t *testing.T, size int, total int64) []attemptlog.Log {
	t.Helper()
	var logs []attemptlog.Log
	pages := (total + int64(size) - 1) / int64(size)
	for number := 1; int64(number) <= pages+1; number++ {
		page := b.list(t, number, size)
		want := attemptlog.Page{Logs: page.Logs, Number: number, Size: size, Total: total, TotalPages: pages}
		if diff := cmp.Diff(want, page); diff != "" {
			t.Fatalf("page %d (-want +got):\n%s", number, diff)
		}
		logs = append(logs, page.Logs...)
	}
	return logs
}

// ids checks that logs have the ids high to low, in this order.
func ids(t *testing.T, logs []attemptlog.Log, high, low int64) {
	t.Helper()
	var got, want []int64
	for _, log := range logs {
		got = append(got, log.ID)
	}
	for id := high; id >= low; id-- {
		want = append(want, id)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
}

func TestListReturnsTheAppendedLogs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	want := b.log(b.now)
	want.Outcome, want.StatusCode, want.ResponseBody, want.Truncated = attemptlog.Retrying, 503, "忙", true
	want.Failure, want.NextAttemptAt = "timeout", b.now.Add(5*time.Minute)
	b.append(t, []attemptlog.Log{want})
	want.ID = 1
	if diff := cmp.Diff([]attemptlog.Log{want}, b.list(t, 1, 20).Logs); diff != "" {
		t.Errorf("logs (-want +got):\n%s", diff)
	}
}

func TestListEveryPage(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 99, 100, 101, 250} { // with chunks of 100 logs
		for _, size := range []int{1, 20, 99, 100} {
			if n/size > 15 {
				continue // many calls that test nothing else
			}
			t.Run(fmt.Sprintf("%d logs by %d", n, size), func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				b.append(t, b.logs(n))
				ids(t, b.all(t, size, int64(n)), int64(n), 1)
			})
		}
	}
}

// The logs lie in two buckets, whatever the sizes of the flushes.
func TestListAcrossBuckets(t *testing.T) {
	t.Parallel()
	const skipped, n = 950, 120
	for _, flush := range []int{1, 7, 49, 50, 100} {
		t.Run(fmt.Sprintf("%d logs a flush", flush), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.skip(t, skipped)
			for logs := range slices.Chunk(b.logs(n), flush) {
				b.append(t, logs)
			}
			for _, size := range []int{20, 50, 99} {
				ids(t, b.all(t, size, n), skipped+n, skipped+1)
			}
			for id := int64(skipped - 1); id <= skipped+n+2; id++ {
				log, err := b.store.Get(t.Context(), b.key, id, b.now)
				if exists := skipped < id && id <= skipped+n; exists && (err != nil || log.ID != id) || !exists && !apperr.Is(err, apperr.LogNotFound) {
					t.Errorf("log %d is %d (%v)", id, log.ID, err)
				}
			}
		})
	}
}

// No id is a log that was never reserved, or item 0.
func TestGetOfNoLog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.append(t, b.logs(3))
	for _, id := range []int64{math.MinInt64, -1, 0, 4, 1000, math.MaxInt64} {
		if log, err := b.store.Get(t.Context(), b.key, id, b.now); !apperr.Is(err, apperr.LogNotFound) {
			t.Errorf("log %d is %+v, %v", id, log, err)
		}
	}
}

func TestListShowsNoOtherWebhooksLogs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	others := []webhook.Key{{TenantID: "acme", ID: 8}, {TenantID: "acme2", ID: 7}, {TenantID: "acme", ID: 71}, {TenantID: "acm", ID: 7}}
	logs := b.logs(3)
	for _, other := range others {
		log := b.log(b.now)
		log.TenantID, log.WebhookID = other.TenantID, other.ID
		logs = append(logs, log)
	}
	b.append(t, logs)
	ids(t, b.all(t, 100, 3), 3, 1)
	for _, other := range others {
		page, err := b.store.List(t.Context(), other, math.MaxInt64, 1, 20, b.now)
		if err != nil || page.Total != 1 || len(page.Logs) != 1 || page.Logs[0].Webhook() != other {
			t.Errorf("%v has %+v, %v; want its one log", other, page, err)
		}
	}
}

func TestListHidesExpiredLogs(t *testing.T) {
	t.Parallel()
	for _, expired := range []int{1, 99, 100, 101, 399, 400, 449, 450} {
		for _, skipped := range []int64{0, 700} { // the logs lie in one bucket or in two
			t.Run(fmt.Sprintf("%d of 450 after %d", expired, skipped), func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				b.skip(t, skipped)
				logs := b.logs(450)
				b.append(t, logs)
				// The newest expired log expires at exactly b.now.
				b.now = logs[expired-1].ExpiresAt(retention)
				live := int64(450 - expired)
				ids(t, b.all(t, 100, live), skipped+450, skipped+451-live)
			})
		}
	}
}

func TestListWithHoles(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		lost    int64 // unused ids below the first 250 logs
		between int64 // unused ids between them and the next 250 logs
		after   int64 // unused ids above those
		expired int   // of the first 250 logs
		total   int64
	}{
		{name: "one lost", between: 1, total: 501},
		{name: "a bucket lost", between: 2000, total: 2500},
		{name: "a bucket lost in an old webhook", between: 2000, expired: 120, total: 2380},
		{name: "three buckets lost in an old webhook", between: 3800, expired: 20, total: 4280},
		{name: "the first bucket lost", lost: 1500, total: 500},
		{name: "the last buckets reserved and not yet written", after: 3200, expired: 10, total: 3690},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.skip(t, tt.lost)
			old := b.logs(250)
			b.append(t, old)
			b.skip(t, tt.between)
			b.now = b.now.Add(24 * time.Hour)
			b.append(t, b.logs(250))
			b.skip(t, tt.after)
			if tt.expired > 0 {
				b.now = old[tt.expired-1].ExpiresAt(retention)
			}
			shown := b.all(t, 100, tt.total)
			if want := 500 - tt.expired; len(shown) != want {
				t.Errorf("%d logs are shown, want %d", len(shown), want)
			}
		})
	}
}

func TestListWithoutAnyWrittenLog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.skip(t, 1250)
	if page := b.list(t, 1, 20); page.Total != 0 || page.TotalPages != 0 || len(page.Logs) != 0 {
		t.Errorf("the page is %+v, want an empty one", page)
	}
}

// DESIGN §5: page 1 and the last page cost the same. A page of a webhook without
// expired logs costs one Get of the last id, one Query of the first log, and at most
// two Queries of logs.
func TestListCostsTheSameOnEveryPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	logs := b.logs(12_345)
	for len(logs) > 0 {
		n := min(1000, len(logs))
		b.append(t, logs[:n])
		logs = logs[n:]
	}
	cost := func(number, size int) map[string]int {
		return b.calls.during(func() { b.list(t, number, size) })
	}
	for number, queries := range map[int]int{1: 2, 2: 2, 4: 3, 62: 2, 64: 3, 114: 3, 123: 2} { // with 3, the page lies in two buckets
		if diff := cmp.Diff(map[string]int{"Get": 1, "Query": queries}, cost(number, 100)); diff != "" {
			t.Errorf("page %d of 100 logs (-want +got):\n%s", number, diff)
		}
	}
	if diff := cmp.Diff(cost(1, 1), cost(10_000, 1)); diff != "" {
		t.Errorf("calls of pages 1 and 10,000 (-1 +10,000):\n%s", diff)
	}
	// When half of the logs have expired, the search for the oldest live log costs
	// the same for every page, too.
	b.now = b.now.Add(retention - 6000*time.Second)
	first, deep := cost(1, 100), cost(60, 100)
	if diff := cmp.Diff(first, deep); diff != "" {
		t.Errorf("calls of pages 1 and 60 of an old webhook (-1 +60):\n%s", diff)
	}
	if first["Query"] > 25 {
		t.Errorf("a page of an old webhook takes %d Queries, want at most 25", first["Query"])
	}
	if page := b.list(t, 1, 100); page.Total != 6000 {
		t.Errorf("total = %d, want the 6000 live logs", page.Total)
	}
}
