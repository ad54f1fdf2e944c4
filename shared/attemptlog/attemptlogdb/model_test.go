package attemptlogdb_test

import (
	"cmp"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"webhooks/shared/attemptlog"
	"webhooks/shared/webhook"
)

// model is what the logs of a webhook should be.
type model struct {
	*bundle
	retention time.Duration // of the store
	written   []writtenChunk
	late      []attemptlog.Chunk // go round the queue
	last      int64              // the last reserved id
	lost      int                // unused ids above the last written log
}

type writtenChunk struct {
	attemptlog.Chunk
	ttl     time.Time // after it DynamoDB may delete the item
	deleted bool
}

// maxLost keeps a hole below eight empty buckets, for which the search is exact: at
// most six whole buckets and a part of the last.
const maxLost = 6900

// newModel returns a model of a new webhook. Number makes its id unique in b.
func newModel(b *bundle, number *atomic.Int64, start time.Time) *model {
	b.key, b.now = webhook.Key{TenantID: "acme", ID: number.Add(1)}, start
	return &model{bundle: b, retention: retention}
}

// TestListIsExactAfterAnyHistory draws a history of flushes, crashes and waits, deletes
// some of the expired chunks, and reads all pages. Some chunks are written late.
func TestListIsExactAfterAnyHistory(t *testing.T) {
	t.Parallel()
	b, start, number := setup(t), time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC), new(atomic.Int64)
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(b, number, start)
		m.lose(t, rapid.SampledFrom([]int{0, 970, 2980}).Draw(rt, "first"))
		for range rapid.IntRange(0, 6).Draw(rt, "steps") {
			m.step(t, rt, 3500)
			b.now = b.now.Add(time.Duration(rapid.IntRange(0, 15*24).Draw(rt, "hours")) * time.Hour)
		}
		m.drop(t, rt)
		m.check(t, rt, rapid.IntRange(80, 100).Draw(rt, "size"))
	})
}

// step makes some flushes, loses up to most ids, and writes some of the late chunks.
func (m *model) step(t *testing.T, rt *rapid.T, most int) {
	for range rapid.IntRange(0, 2).Draw(rt, "flushes") {
		m.flush(t, rapid.IntRange(1, 25).Draw(rt, "logs"), rapid.IntRange(0, 4).Draw(rt, "late") == 0)
	}
	m.lose(t, rapid.SampledFrom([]int{0, 0, 1, 30, 400, most}).Draw(rt, "lose"))
	m.rewrite(t, rapid.IntRange(0, len(m.late)).Draw(rt, "rewrite"))
}

// flush appends n logs that are created now. If it is late, only their ids are reserved.
func (m *model) flush(t *testing.T, n int, late bool) {
	logs := m.logs(n)
	for i := range logs {
		logs[i].CreatedAt = m.now
	}
	chunks := attemptlog.Chunk{Webhook: m.key, Logs: logs}.Numbered(m.last+1, 0)
	m.last += int64(n)
	if late {
		if diff := gocmp.Diff(chunks, m.unwritten(t, logs)); diff != "" {
			t.Fatalf("unwritten chunks (-want +got):\n%s", diff)
		}
		m.late, m.lost = append(m.late, chunks...), m.lost+n
		return
	}
	m.append(t, logs)
	m.add(chunks)
	m.lost = 0
}

// add adds chunks that were written now.
func (m *model) add(chunks []attemptlog.Chunk) {
	for _, c := range chunks {
		m.written = append(m.written, writtenChunk{Chunk: c, ttl: c.Logs[0].ExpiresAt(m.retention)})
	}
	slices.SortFunc(m.written, func(x, y writtenChunk) int { return cmp.Compare(x.First, y.First) })
}

// rewrite writes the n oldest late chunks, some of them twice.
func (m *model) rewrite(t *testing.T, n int) {
	chunks := m.late[:n]
	m.late = m.late[n:]
	m.bundle.rewrite(t, slices.Concat(chunks, chunks[:n/2]))
	m.add(chunks)
}

// lose reserves up to n ids without logs.
func (m *model) lose(t *testing.T, n int) {
	n = max(0, min(n, maxLost-m.lost))
	m.skip(t, int64(n))
	m.last, m.lost = m.last+int64(n), m.lost+n
}

// drop deletes some of the chunks whose TTL has passed, as DynamoDB does.
func (m *model) drop(t *testing.T, rt *rapid.T) {
	for i := range m.written {
		c := &m.written[i]
		if c.deleted || m.now.Before(c.ttl) || !rapid.Bool().Draw(rt, "drop") {
			continue
		}
		c.deleted = true
		m.delete(t, c.First)
	}
}

// live returns the live logs, the newest first.
func (m *model) live() []attemptlog.Log {
	var live []attemptlog.Log
	for _, c := range slices.Backward(m.written) {
		for _, log := range slices.Backward(c.Logs) {
			if !c.deleted && m.now.Before(log.ExpiresAt(m.retention)) {
				live = append(live, log)
			}
		}
	}
	return live
}

// check compares all pages that have logs, and a log by its id, with the model.
func (m *model) check(t *testing.T, rt *rapid.T, size int) {
	want := m.live()
	var total int64
	if len(want) > 0 {
		total = m.last - want[len(want)-1].ID + 1
		one := rapid.SampledFrom(want).Draw(rt, "one log")
		if got, err := m.store.Get(t.Context(), m.key, one.ID, m.now); err != nil || !gocmp.Equal(one, got) {
			rt.Errorf("log %d is %+v, %v", one.ID, got, err)
		}
	}
	shown := 0
	for number := int64(1); (number-1)*int64(size) <= total; number++ { // one page beyond the last
		high := m.last - (number-1)*int64(size)
		logs := slices.DeleteFunc(slices.Clone(want), func(l attemptlog.Log) bool { return l.ID > high || l.ID <= high-int64(size) })
		if len(logs) == 0 && number > 1 && number*int64(size) < total {
			continue // a page of lost ids
		}
		page := m.list(t, int(number), size)
		if page.Total != total {
			rt.Fatalf("page %d has the total %d, want %d", number, page.Total, total)
		}
		if diff := gocmp.Diff(logs, page.Logs, cmpopts.EquateEmpty()); diff != "" {
			rt.Fatalf("logs of page %d (-want +got):\n%s", number, diff)
		}
		shown += len(logs)
	}
	if shown != len(want) {
		rt.Fatalf("the pages show %d logs, want %d", shown, len(want))
	}
}
