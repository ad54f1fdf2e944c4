package attemptlogdb_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"webhooks/shared/attemptlog"
	"webhooks/shared/webhook"
)

// model is what the logs of a webhook should be.
type model struct {
	*bundle
	retention time.Duration // of the store
	written   []writtenLog  // in the order of their ids
	last      int64         // the last reserved id
	lost      int           // unused ids above the last written log
}

type writtenLog struct {
	attemptlog.Log
	ttl     time.Time // after it DynamoDB may delete the item
	deleted bool
}

// maxLost keeps a hole below eight empty buckets, for which the search is exact: at
// most six whole buckets and a part of the last.
const maxLost = 690

// newModel returns a model of a new webhook. Number makes its id unique in b.
func newModel(b *bundle, number *atomic.Int64, start time.Time) *model {
	b.key, b.now = webhook.Key{TenantID: "acme", ID: number.Add(1)}, start
	return &model{bundle: b, retention: retention}
}

// TestListIsExactAfterAnyHistory draws a history of appends, crashes and waits,
// deletes some of the expired logs, and reads all pages.
func TestListIsExactAfterAnyHistory(t *testing.T) {
	t.Parallel()
	b, start, number := setup(t), time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC), new(atomic.Int64)
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(b, number, start)
		for range rapid.IntRange(0, 6).Draw(rt, "steps") {
			m.append(t, rapid.IntRange(0, 6).Draw(rt, "append"))
			m.lose(t, rapid.IntRange(0, 400).Draw(rt, "lose"))
			b.now = b.now.Add(time.Duration(rapid.IntRange(0, 15*24).Draw(rt, "hours")) * time.Hour)
		}
		m.drop(t, rt)
		m.check(t, rt, rapid.IntRange(80, 100).Draw(rt, "size"))
	})
}

// append appends n logs that are created now.
func (m *model) append(t *testing.T, n int) {
	if n == 0 {
		return
	}
	logs := m.logs(n)
	for i := range logs {
		logs[i].CreatedAt = m.now
	}
	m.bundle.append(t, logs)
	for _, log := range logs {
		m.last++
		log.ID = m.last
		m.written = append(m.written, writtenLog{Log: log, ttl: log.ExpiresAt(m.retention)})
	}
	m.lost = 0
}

// lose reserves up to n ids without logs.
func (m *model) lose(t *testing.T, n int) {
	n = min(n, maxLost-m.lost)
	m.reserve(t, n)
	m.last, m.lost = m.last+int64(n), m.lost+n
}

// drop deletes some of the logs whose TTL has passed, as DynamoDB does.
func (m *model) drop(t *testing.T, rt *rapid.T) {
	for i := range m.written {
		log := &m.written[i]
		if log.deleted || m.now.Before(log.ttl) || !rapid.Bool().Draw(rt, "drop") {
			continue
		}
		log.deleted = true
		m.delete(t, log.ID)
	}
}

// live returns the live logs, the newest first.
func (m *model) live() []attemptlog.Log {
	var live []attemptlog.Log
	for _, log := range slices.Backward(m.written) {
		if !log.deleted && m.now.Before(log.ExpiresAt(m.retention)) {
			live = append(live, log.Log)
		}
	}
	return live
}

// check compares all pages with the model.
func (m *model) check(t *testing.T, rt *rapid.T, size int) {
	want := m.live()
	var total int64
	if len(want) > 0 {
		total = m.last - want[len(want)-1].ID + 1
	}
	var got []attemptlog.Log
	for number := 1; ; number++ {
		page := m.list(t, number, size)
		if page.Total != total {
			rt.Fatalf("page %d has the total %d, want %d", number, page.Total, total)
		}
		got = append(got, page.Logs...)
		if int64(number) >= page.TotalPages {
			break
		}
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		rt.Fatalf("logs of all pages (-want +got):\n%s", diff)
	}
}
