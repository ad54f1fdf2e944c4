package attemptlogdb_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"webhooks/shared/attemptlog"
	"webhooks/shared/attemptlog/attemptlogdb"
	"webhooks/shared/webhook"
)

// model is a webhook whose logs the test remembers as well.
type model struct {
	*bundle
	written []attemptlog.Log // in the order of their ids
	last    int64
	lost    int // ids given to nothing since the last written log
}

// maxLost keeps holes below eight empty buckets in a row, for which the search
// promises to be exact: six whole ones, and the last one, of which few ids are
// given yet.
const maxLost = 690

// TestListIsExactAfterAnyHistory plays random histories of appends, crashes and
// waits, drops some of what expired, and reads all pages.
func TestListIsExactAfterAnyHistory(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var webhooks atomic.Int64
	start := b.now
	rapid.Check(t, func(rt *rapid.T) {
		b.key, b.now = webhook.Key{TenantID: "acme", ID: webhooks.Add(1)}, start
		m := &model{bundle: b}
		for range rapid.IntRange(0, 6).Draw(rt, "steps") {
			m.append(t, rapid.IntRange(0, 6).Draw(rt, "append"))
			m.lose(t, rapid.IntRange(0, 400).Draw(rt, "lose"))
			b.now = b.now.Add(time.Duration(rapid.IntRange(0, 15*24).Draw(rt, "hours")) * time.Hour)
		}
		m.drop(t, rapid.SliceOfN(rapid.Bool(), len(m.written), len(m.written)).Draw(rt, "drop"))
		m.check(t, rt, rapid.IntRange(80, 100).Draw(rt, "size"))
	})
}

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
		m.written = append(m.written, log)
	}
	m.lost = 0
}

func (m *model) lose(t *testing.T, n int) {
	n = min(n, maxLost-m.lost)
	m.reserve(t, n)
	m.last, m.lost = m.last+int64(n), m.lost+n
}

// drop deletes some of the expired logs, as the table's TTL does in its time.
func (m *model) drop(t *testing.T, chosen []bool) {
	for i, log := range m.written {
		if !chosen[i] || m.live(log) {
			continue
		}
		_, err := m.client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &m.table, Key: attemptlogdb.PrimaryKey(m.key, log.ID)})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (m *model) live(log attemptlog.Log) bool { return m.now.Before(log.ExpiresAt(retention)) }

func (m *model) check(t *testing.T, rt *rapid.T, size int) {
	want := slices.DeleteFunc(slices.Clone(m.written), func(l attemptlog.Log) bool { return !m.live(l) })
	var total int64
	if len(want) > 0 {
		total = m.last - want[0].ID + 1
	}
	slices.Reverse(want)
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
