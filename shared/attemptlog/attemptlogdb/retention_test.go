package attemptlogdb_test

import (
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"webhooks/shared/apperr"
	"webhooks/shared/attemptlog/attemptlogdb"
)

const day = 24 * time.Hour

// The logs of 40 days are written with a retention of 30 days. Then an operator
// changes the retention: pages, totals and the oldest live log follow the new one.
func TestListAfterTheRetentionChanged(t *testing.T) {
	t.Parallel()
	const perDay, days = 20, 40
	tests := []struct {
		name      string
		retention time.Duration // the new one
		deleted   int           // days of expired logs that DynamoDB has deleted
		live      int           // days of logs
	}{
		{name: "not changed", retention: 30 * day, live: 30},
		{name: "shorter", retention: 7 * day, live: 7},
		{name: "shorter, the expired logs deleted", retention: 7 * day, deleted: 10, live: 7},
		{name: "longer, nothing deleted yet", retention: 90 * day, live: 40},
		{name: "longer, some expired logs deleted", retention: 90 * day, deleted: 4, live: 36},
		{name: "longer, all expired logs deleted", retention: 90 * day, deleted: 10, live: 30},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			logs := b.logs(perDay * days)
			for i := range logs { // an hour and 0 to 39 days ago
				logs[i].CreatedAt = b.now.Add(-time.Hour - time.Duration(days-1-i/perDay)*day)
			}
			for flush := range slices.Chunk(logs, perDay) {
				b.append(t, flush)
			}
			for day := range int64(tt.deleted) {
				b.delete(t, day*perDay+1)
			}

			b.redeploy(tt.retention)
			last, live := int64(perDay*days), int64(tt.live*perDay)
			ids(t, b.all(t, 100, live), last, last-live+1)
			oldest := last - live + 1
			if _, err := b.store.Get(t.Context(), b.key, oldest, b.now); err != nil {
				t.Errorf("get the oldest live log: %v", err)
			}
			if _, err := b.store.Get(t.Context(), b.key, oldest-1, b.now); !apperr.Is(err, apperr.LogNotFound) {
				t.Errorf("get the log below it: %v, want LogNotFound", err)
			}
			page, err := b.store.List(t.Context(), b.key, oldest+2, 1, 100, b.now)
			if err != nil || page.Total != 2 || len(page.Logs) != 2 {
				t.Errorf("below id %d: %d logs of %d (%v), want the 2 oldest", oldest+2, len(page.Logs), page.Total, err)
			}

			b.append(t, b.logs(1))
			ids(t, b.all(t, 100, live+1), last+1, oldest)
			b.checkTTL(t, last-perDay+1, logs[len(logs)-1].ExpiresAt(retention))
			b.checkTTL(t, last+1, b.now.Add(tt.retention))
		})
	}
}

// The retention changes at any time, and DynamoDB deletes any logs whose TTL has
// passed: the pages show the logs in the table that are live with the current retention.
// The webhook has fewer than eight buckets, for which the search is always exact.
func TestListIsExactWhileTheRetentionChanges(t *testing.T) {
	t.Parallel()
	b, start, number := setup(t), time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC), new(atomic.Int64)
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(b, number, start)
		m.lose(t, rapid.SampledFrom([]int{0, 970}).Draw(rt, "first"))
		b.redeploy(m.retention)
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			m.step(t, rt, 900)
			b.now = b.now.Add(time.Duration(rapid.IntRange(0, 20*24).Draw(rt, "hours")) * time.Hour)
			m.drop(t, rt)
			m.retention = rapid.SampledFrom([]time.Duration{7 * day, 30 * day, 90 * day}).Draw(rt, "retention")
			b.redeploy(m.retention)
		}
		m.check(t, rt, rapid.IntRange(80, 100).Draw(rt, "size"))
	})
}

// delete deletes the chunk whose first id is first, as DynamoDB does after its TTL.
func (b *bundle) delete(t *testing.T, first int64) {
	t.Helper()
	_, err := b.client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &b.table, Key: attemptlogdb.ChunkKey(b.key, first)})
	if err != nil {
		t.Fatal(err)
	}
}

// checkTTL compares the stored TTL of the chunk whose first id is first with want.
func (b *bundle) checkTTL(t *testing.T, first int64, want time.Time) {
	t.Helper()
	out, err := b.client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &b.table, Key: attemptlogdb.ChunkKey(b.key, first)})
	if err != nil {
		t.Fatal(err)
	}
	ttl, _ := out.Item["ttl"].(*types.AttributeValueMemberN)
	if ttl == nil || ttl.Value != strconv.FormatInt(want.Unix(), 10) {
		t.Errorf("chunk %d has the TTL %v, want %d", first, out.Item["ttl"], want.Unix())
	}
}
