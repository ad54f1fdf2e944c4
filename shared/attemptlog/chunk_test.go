package attemptlog_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"webhooks/shared/attemptlog"
	"webhooks/shared/webhook"
)

// outcomes returns a log for each letter of text: d is delivered, f failed.
func outcomes(text string) []attemptlog.Log {
	logs := make([]attemptlog.Log, 0, len(text))
	for _, letter := range text {
		outcome := attemptlog.Delivered
		if letter == 'f' {
			outcome = attemptlog.Failed
		}
		logs = append(logs, attemptlog.Log{TenantID: "acme", WebhookID: 7, Attempt: 1, Outcome: outcome, CreatedAt: time.UnixMilli(1)})
	}
	return logs
}

// span is what a test says of a chunk.
type span struct {
	First, FirstProblem int64
	Logs                int
}

func spans(chunks []attemptlog.Chunk) []span {
	var list []span
	for _, c := range chunks {
		list = append(list, span{c.First, c.FirstProblem, len(c.Logs)})
	}
	return list
}

func TestNumberedSplitsAtBuckets(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		logs  string
		first int64
		want  []span
	}{
		{name: "the first logs", logs: "dfd", first: 1, want: []span{{1, 5, 3}}},
		{name: "without a problem", logs: "dd", first: 1, want: []span{{1, 0, 2}}},
		{name: "up to the end of a bucket", logs: "dff", first: 997, want: []span{{997, 5, 3}}},
		{name: "across two buckets", logs: "dffdf", first: 998, want: []span{{998, 5, 2}, {1000, 6, 3}}},
		{name: "no problem in the second bucket", logs: "fd", first: 1999, want: []span{{1999, 5, 1}, {2000, 0, 1}}},
		{name: "more than a chunk takes", logs: strings.Repeat("d", 201), first: 10, want: []span{{10, 0, 100}, {110, 0, 100}, {210, 0, 1}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := attemptlog.Chunks(outcomes(tt.logs))
			merged := attemptlog.Chunk{Webhook: c[0].Webhook, Logs: outcomes(tt.logs)}
			if diff := cmp.Diff(tt.want, spans(merged.Numbered(tt.first, 5))); diff != "" {
				t.Errorf("chunks (-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever the bodies are, a chunk fits into an item of 400 KB and a message of 1 MiB.
func TestLargeBodiesSplitAChunk(t *testing.T) {
	t.Parallel()
	logs := outcomes(strings.Repeat("f", 100))
	for i := range logs {
		logs[i].ResponseBody = strings.Repeat("\x01", 4<<10) // six bytes each in JSON
	}
	for _, chunks := range [][]attemptlog.Chunk{attemptlog.Chunks(logs), attemptlog.Chunk{Logs: logs}.Numbered(1, 1)} {
		count := 0
		for _, c := range chunks {
			count += len(c.Logs)
			text, err := attemptlog.EncodeLogs(c.Logs, c.Logs[0].CreatedAt, true)
			if err != nil || len(text) > 300<<10 {
				t.Errorf("%d logs take %d bytes (%v), want at most 300 KiB", len(c.Logs), len(text), err)
			}
		}
		if count != len(logs) || len(chunks) != 13 {
			t.Errorf("%d logs in %d chunks, want 100 logs, 8 in a chunk", count, len(chunks))
		}
	}
}

// Numbered keeps all logs and their order. It gives each an id, and each problem a
// number, without a gap.
func TestNumberedCountsWithoutGaps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		logs := outcomes(rapid.StringMatching(`[df]{1,300}`).Draw(t, "logs"))
		for i := range logs {
			logs[i].ResponseBody = strings.Repeat("x", rapid.SampledFrom([]int{0, 10, 4096}).Draw(t, "body"))
		}
		first, problem := rapid.Int64Range(1, 3000).Draw(t, "first"), rapid.Int64Range(1, 3000).Draw(t, "problem")
		var got []attemptlog.Log
		id, number := first, problem
		for _, c := range (attemptlog.Chunk{Webhook: webhook.Key{TenantID: "acme", ID: 7}, Logs: slices.Clone(logs)}).Numbered(first, problem) {
			if c.First != id || c.Logs[0].ID != id || c.Webhook.ID != 7 {
				t.Fatalf("a chunk begins with %d and log %d, want %d", c.First, c.Logs[0].ID, id)
			}
			problems := c.Problems()
			if len(problems) > 0 && c.FirstProblem != number || len(problems) == 0 && c.FirstProblem != 0 {
				t.Fatalf("the chunk at %d has %d problems from number %d on, want %d", c.First, len(problems), c.FirstProblem, number)
			}
			number += int64(len(problems))
			for _, log := range c.Logs {
				if log.ID != id || attemptlog.Bucket(id) != attemptlog.Bucket(c.First) {
					t.Fatalf("log %d of the chunk at %d, want %d in the same bucket", log.ID, c.First, id)
				}
				id++
				log.ID = 0
				got = append(got, log)
			}
		}
		if diff := cmp.Diff(logs, got); diff != "" {
			t.Errorf("logs (-want +got):\n%s", diff)
		}
	})
}

func TestChunksKeepTheOrderOfEachWebhook(t *testing.T) {
	t.Parallel()
	logs := outcomes("dddd")
	logs[1].WebhookID, logs[3].TenantID = 8, "acme2"
	for i := range logs {
		logs[i].EventID = string(rune('a' + i))
	}
	want := []attemptlog.Chunk{
		{Webhook: webhook.Key{TenantID: "acme", ID: 7}, Logs: []attemptlog.Log{logs[0], logs[2]}},
		{Webhook: webhook.Key{TenantID: "acme", ID: 8}, Logs: logs[1:2]},
		{Webhook: webhook.Key{TenantID: "acme2", ID: 7}, Logs: logs[3:]},
	}
	if diff := cmp.Diff(want, attemptlog.Chunks(logs)); diff != "" {
		t.Errorf("chunks (-want +got):\n%s", diff)
	}
}
