package attemptlog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"webhooks/shared/attemptlog"
	"webhooks/shared/event"
	"webhooks/shared/webhook"
)

func TestChunkRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for _, want := range drawChunks(t) {
			text, err := json.Marshal(want)
			if err != nil {
				t.Fatalf("encode: %v", err)
			}
			var got attemptlog.Chunk
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatalf("decode %s: %v", text, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("decoded chunk (-want +got):\n%s", diff)
			}
		}
	})
}

// Problems and event rows name the id of each log.
func TestLogsWithGapsKeepTheirIDs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for _, c := range drawChunks(t) {
			want := c.Problems()
			if len(want) == 0 {
				continue
			}
			from, _ := attemptlog.Span(want)
			text, err := attemptlog.EncodeLogs(want, from, true)
			if err != nil {
				t.Fatal(err)
			}
			got, err := attemptlog.DecodeLogs(text, c.Webhook, 0, from)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%v; decoded logs (-want +got):\n%s", err, diff)
			}
		}
	})
}

// drawChunks returns the chunks of up to five logs of a webhook, with or without ids.
func drawChunks(t *rapid.T) []attemptlog.Chunk {
	id := rapid.StringMatching(`[A-Za-z0-9_-]{1,64}`)
	key := webhook.Key{TenantID: id.Draw(t, "tenant"), ID: rapid.Int64Min(1).Draw(t, "webhook")}
	logs := make([]attemptlog.Log, rapid.IntRange(1, 5).Draw(t, "logs"))
	for i := range logs {
		logs[i] = drawLog(t, key)
	}
	if rapid.Bool().Draw(t, "with ids") {
		first := rapid.Int64Range(1, 1e12).Draw(t, "first")
		return attemptlog.Chunk{Webhook: key, Logs: logs}.Numbered(first, rapid.Int64Range(1, first).Draw(t, "first problem"))
	}
	return attemptlog.Chunks(logs)
}

func drawLog(t *rapid.T, key webhook.Key) attemptlog.Log {
	id := rapid.StringMatching(`[A-Za-z0-9_-]{1,64}`)
	moment := rapid.Map(rapid.Int64Range(1, 4102444800000), func(ms int64) time.Time { return time.UnixMilli(ms).UTC() })
	log := attemptlog.Log{
		TenantID:     key.TenantID,
		WebhookID:    key.ID,
		EventID:      id.Draw(t, "event"),
		EventType:    rapid.SampledFrom(append(event.Types(), event.Test)).Draw(t, "type"),
		Trigger:      rapid.SampledFrom(attemptlog.Triggers()).Draw(t, "trigger"),
		Attempt:      rapid.IntRange(1, 20).Draw(t, "attempt"),
		Outcome:      rapid.SampledFrom(attemptlog.Outcomes()).Draw(t, "outcome"),
		StatusCode:   rapid.IntRange(0, 599).Draw(t, "status"),
		ResponseTime: time.Duration(rapid.IntRange(0, 15000).Draw(t, "ms")) * time.Millisecond,
		Timing: attemptlog.Timing{
			DNS: draw(t, "dns"), Connect: draw(t, "connect"), TLS: draw(t, "tls"), FirstByte: draw(t, "first byte"), Reused: rapid.Bool().Draw(t, "reused"),
		},
		ResponseBody: rapid.String().Draw(t, "body"),
		Truncated:    rapid.Bool().Draw(t, "truncated"),
		Failure:      rapid.SampledFrom([]string{"", "timeout"}).Draw(t, "failure"),
		CreatedAt:    moment.Draw(t, "created"),
	}
	if rapid.Bool().Draw(t, "another attempt") {
		log.NextAttemptAt = moment.Draw(t, "next")
	}
	return log
}

// draw returns whole milliseconds.
func draw(t *rapid.T, name string) time.Duration {
	return time.Duration(rapid.IntRange(0, 15000).Draw(t, name)) * time.Millisecond
}

// A queue keeps these names for up to 14 days: a release that changes one of them
// loses the logs that the previous release queued.
func TestChunkHasAStableForm(t *testing.T) {
	t.Parallel()
	key := webhook.Key{TenantID: "acme", ID: 7}
	at := time.UnixMilli(1769421600123)
	logs := []attemptlog.Log{
		{
			TenantID: "acme", WebhookID: 7, EventID: "evt_1", EventType: event.AlertTriggered, Trigger: attemptlog.Retry, Attempt: 2,
			Outcome: attemptlog.Retrying, StatusCode: 503, ResponseTime: 125 * time.Millisecond, ResponseBody: "busy",
			Truncated: true, Failure: "status", NextAttemptAt: time.UnixMilli(1769421900000), CreatedAt: at.Add(7 * time.Millisecond),
		},
		{
			TenantID: "acme", WebhookID: 7, EventID: "evt_2", EventType: event.AlertTriggered, Trigger: attemptlog.FirstAttempt, Attempt: 1,
			Outcome: attemptlog.Delivered, StatusCode: 200, ResponseTime: 10 * time.Millisecond, CreatedAt: at,
			Timing: attemptlog.Timing{DNS: time.Millisecond, Connect: 2 * time.Millisecond, TLS: 3 * time.Millisecond, FirstByte: 4 * time.Millisecond, Reused: true},
		},
	}
	text, err := json.Marshal(attemptlog.Chunk{Webhook: key, Logs: logs}.Numbered(4711, 12)[0])
	if err != nil {
		t.Fatal(err)
	}
	want := `{"format":1,"tenant_id":"acme","webhook_id":7,"first":4711,"first_problem":12,"from":1769421600123,"logs":[` +
		`{"event_id":"evt_1","type":"alert.triggered","trigger":"retry","attempt":2,"outcome":"retrying","status":503,"ms":125,` +
		`"body":"busy","truncated":true,"failure":"status","next":1769421900000,"at":7},` +
		`{"event_id":"evt_2","type":"alert.triggered","attempt":1,"outcome":"delivered","status":200,"ms":10,"dns":1,"connect":2,"tls":3,"first_byte":4,"reused":true}]}`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

func TestUnmarshalRefusesAChunkThatCannotBeStored(t *testing.T) {
	t.Parallel()
	good := `{"format":1,"tenant_id":"acme","webhook_id":7,"first":999,"first_problem":1,"from":1,"logs":[{"event_id":"evt_1","type":"alert.triggered","trigger":"retry","attempt":1,"outcome":"failed"}]}`
	tests := []struct{ name, old, new string }{
		{name: "a later format", old: `"format":1`, new: `"format":2`},
		{name: "no format", old: `"format":1,`, new: ``},
		{name: "tenant with a separator", old: `"acme"`, new: `"ac#me"`},
		{name: "no webhook", old: `"webhook_id":7`, new: `"webhook_id":0`},
		{name: "negative id", old: `"first":999`, new: `"first":-1`},
		{name: "ids in two buckets", old: `"logs":[`, new: `"logs":[{"event_id":"evt_2","type":"","attempt":1,"outcome":"delivered"},`},
		{name: "a problem without a number", old: `"first_problem":1,`, new: ``},
		{name: "a number without a problem", old: `"failed"`, new: `"delivered"`},
		{name: "a number without ids", old: `"first":999,`, new: ``},
		{name: "negative number", old: `"first_problem":1`, new: `"first_problem":-1`},
		{name: "no log", old: `{"event_id":"evt_1","type":"alert.triggered","trigger":"retry","attempt":1,"outcome":"failed"}`, new: ``},
		{name: "no logs", old: `"logs":`, new: `"log":`},
		{name: "no event", old: `"evt_1"`, new: `""`},
		{name: "unknown outcome", old: `"failed"`, new: `"lost"`},
		{name: "unknown trigger", old: `"retry"`, new: `"boredom"`},
		{name: "no time", old: `"from":1,`, new: ``},
		{name: "not an object", old: good, new: `[]`},
	}
	if err := json.Unmarshal([]byte(good), new(attemptlog.Chunk)); err != nil {
		t.Fatalf("the valid chunk is refused: %v", err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(good, tt.old, tt.new, 1)
			if err := json.Unmarshal([]byte(text), new(attemptlog.Chunk)); err == nil || text == good {
				t.Errorf("%s is accepted", text)
			}
		})
	}
}
