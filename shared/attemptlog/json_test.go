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
)

func TestLogRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := drawLog(t)
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatalf("encode: %v", err)
		}
		var got attemptlog.Log
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("decode %s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("decoded log (-want +got):\n%s", diff)
		}
	})
}

func drawLog(t *rapid.T) attemptlog.Log {
	id := rapid.StringMatching(`[A-Za-z0-9_-]{1,64}`)
	moment := rapid.Map(rapid.Int64Range(1, 4102444800000), func(ms int64) time.Time { return time.UnixMilli(ms).UTC() })
	log := attemptlog.Log{
		TenantID:     id.Draw(t, "tenant"),
		WebhookID:    rapid.Int64Min(1).Draw(t, "webhook"),
		ID:           rapid.Int64Min(0).Draw(t, "id"),
		EventID:      id.Draw(t, "event"),
		EventType:    rapid.SampledFrom(append(event.Types(), event.Test)).Draw(t, "type"),
		Attempt:      rapid.IntRange(1, 20).Draw(t, "attempt"),
		Outcome:      rapid.SampledFrom(attemptlog.Outcomes()).Draw(t, "outcome"),
		StatusCode:   rapid.IntRange(0, 599).Draw(t, "status"),
		ResponseTime: time.Duration(rapid.IntRange(0, 15000).Draw(t, "ms")) * time.Millisecond,
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

// A queue keeps these names for up to 14 days: a release that changes one of them
// loses the logs that the previous release queued.
func TestLogHasAStableForm(t *testing.T) {
	t.Parallel()
	log := attemptlog.Log{
		TenantID: "acme", WebhookID: 7, ID: 4711, EventID: "evt_1", EventType: event.AlertTriggered, Attempt: 2,
		Outcome: attemptlog.Retrying, StatusCode: 503, ResponseTime: 125 * time.Millisecond, ResponseBody: "busy",
		Truncated: true, Failure: "status", NextAttemptAt: time.UnixMilli(1769421900000), CreatedAt: time.UnixMilli(1769421600123),
	}
	text, err := json.Marshal(log)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"tenant_id":"acme","webhook_id":7,"log_id":4711,"event_id":"evt_1","event_type":"alert.triggered","attempt":2,` +
		`"outcome":"retrying","status_code":503,"response_time":125,"response_body":"busy","truncated":true,"failure":"status",` +
		`"next_attempt_ms":1769421900000,"created_ms":1769421600123}`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

func TestUnmarshalRefusesALogThatCannotBeStored(t *testing.T) {
	t.Parallel()
	good := `{"tenant_id":"acme","webhook_id":7,"event_id":"evt_1","event_type":"alert.triggered","attempt":1,"outcome":"delivered","created_ms":1}`
	tests := []struct{ name, old, new string }{
		{name: "tenant with a separator", old: `"acme"`, new: `"ac#me"`},
		{name: "no webhook", old: `"webhook_id":7`, new: `"webhook_id":0`},
		{name: "negative id", old: `"webhook_id":7`, new: `"webhook_id":7,"log_id":-1`},
		{name: "no event", old: `"evt_1"`, new: `""`},
		{name: "unknown outcome", old: `"delivered"`, new: `"lost"`},
		{name: "no time", old: `"created_ms":1`, new: `"created_ms":0`},
		{name: "not an object", old: good, new: `[]`},
	}
	if err := json.Unmarshal([]byte(good), new(attemptlog.Log)); err != nil {
		t.Fatalf("the valid log is refused: %v", err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(good, tt.old, tt.new, 1)
			if err := json.Unmarshal([]byte(text), new(attemptlog.Log)); err == nil {
				t.Errorf("%s is accepted", text)
			}
		})
	}
}
