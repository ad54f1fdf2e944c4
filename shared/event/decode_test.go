package event_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/deadletter"
	"webhooks/shared/event"
	"webhooks/shared/strictjson"
)

// message returns a queue message with body.
func message(body string) event.Message {
	return event.Message{
		ID:     "0b2d1c3e-7a5b-4f5e-9c1d-2e3f4a5b6c7d",
		SentAt: time.Date(2026, 1, 26, 10, 0, 0, 7_000_000, time.UTC),
		Body:   []byte(body),
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		wantID     string
		wantBody   string
	}{
		{
			name:     "everything given",
			body:     `{"id":"e1","type":"environment.created","tenant_id":"acme","timestamp":"2026-01-26T10:00:00+08:00","data":{"id":7}}`,
			wantID:   "e1",
			wantBody: `{"type":"environment.created","timestamp":"2026-01-26T10:00:00+08:00","data":{"id":7}}`,
		},
		{
			name:     "id and timestamp from the message",
			body:     `{"type":"alert.resolved","tenant_id":"acme","data":null}`,
			wantID:   "evt_0b2d1c3e-7a5b-4f5e-9c1d-2e3f4a5b6c7d",
			wantBody: `{"type":"alert.resolved","timestamp":"2026-01-26T10:00:00.007Z","data":null}`,
		},
		{
			name:     "the bytes of data are kept",
			body:     `{"type":"alert.triggered","tenant_id":"acme","timestamp":"2026-01-26T10:00:00Z","data": { "z": 1.0000000000000000000001, "a": "\u00e9<\/" } }`,
			wantID:   "evt_0b2d1c3e-7a5b-4f5e-9c1d-2e3f4a5b6c7d",
			wantBody: `{"type":"alert.triggered","timestamp":"2026-01-26T10:00:00Z","data":{ "z": 1.0000000000000000000001, "a": "\u00e9<\/" }}`,
		},
		{
			name:     "EventBridge envelope",
			body:     `{"version":"0","id":"6a7e8feb-b491-4cf7-a9f1-bf3703467718","detail-type":"training.failed","source":"platform","account":"123456789012","time":"2026-01-26T10:00:00Z","region":"us-east-1","resources":[],"detail":{"tenant_id":"acme","job":9}}`,
			wantID:   "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
			wantBody: `{"type":"training.failed","timestamp":"2026-01-26T10:00:00Z","data":{"tenant_id":"acme","job":9}}`,
		},
		{
			name:     "EventBridge envelope that an archive replays",
			body:     `{"version":"0","id":"6a7e8feb-b491-4cf7-a9f1-bf3703467718","detail-type":"training.failed","source":"platform","account":"123456789012","time":"2026-01-26T10:00:00Z","region":"us-east-1","resources":[],"detail":{"tenant_id":"acme","job":9},"replay-name":"after-the-outage"}`,
			wantID:   "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
			wantBody: `{"type":"training.failed","timestamp":"2026-01-26T10:00:00Z","data":{"tenant_id":"acme","job":9}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, err := event.Decode(message(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if e.ID != tt.wantID || e.TenantID != "acme" {
				t.Errorf("id = %q, tenant = %q, want %q and acme", e.ID, e.TenantID, tt.wantID)
			}
			if diff := cmp.Diff(tt.wantBody, string(e.Body())); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

// nested returns arrays of the given number of levels.
func nested(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }

func TestDecodeKeepsTheDeepestData(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"event":    `{"type":"alert.resolved","tenant_id":"acme","data":` + nested(event.MaxDepth) + `}`,
		"envelope": `{"detail-type":"alert.resolved","id":"e1","detail":{"tenant_id":"acme","a":` + nested(event.MaxDepth-1) + `}}`,
	} {
		if e, err := event.Decode(message(body)); err != nil || strictjson.Depth(e.Data) != event.MaxDepth {
			t.Errorf("%s: %d levels, %v", name, strictjson.Depth(e.Data), err)
		}
	}
}

func TestDecodeKeepsTheIDOfARedrivenEvent(t *testing.T) {
	t.Parallel()
	m := message(`{"type":"alert.resolved","tenant_id":"acme","data":1}`)
	for given, want := range map[string]string{"evt_first": "evt_first", "not.an.id": "evt_" + m.ID, "": "evt_" + m.ID} {
		m.EventID = given
		if e, err := event.Decode(m); err != nil || e.ID != want {
			t.Errorf("with event id %q: %q, %v, want %q", given, e.ID, err, want)
		}
	}
	m.Body, m.EventID = []byte(`{"id":"own","type":"alert.resolved","tenant_id":"acme","data":1}`), "evt_first"
	if e, err := event.Decode(m); err != nil || e.ID != "own" {
		t.Errorf("an event with its own id got %q, %v", e.ID, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	const rest = `"tenant_id":"acme","type":"alert.resolved","data":1`
	tests := []struct {
		name, body string
		want       deadletter.Reason
	}{
		{name: "not JSON", body: `hello`, want: deadletter.NotJSON},
		{name: "array", body: `[]`, want: deadletter.NotJSON},
		{name: "two objects", body: `{` + rest + `}{}`, want: deadletter.NotJSON},
		{name: "duplicate member", body: `{` + rest + `,"data":2}`, want: deadletter.NotJSON},
		{name: "duplicate member within data", body: `{"tenant_id":"acme","type":"alert.resolved","data":{"a":1,"a":2}}`, want: deadletter.NotJSON},
		{name: "invalid UTF-8", body: "{\"tenant_id\":\"acme\",\"type\":\"alert.resolved\",\"data\":\"\xff\"}", want: deadletter.NotJSON},
		{name: "wrong case of a name", body: `{"id":"e1","Tenant_ID":"acme","type":"alert.resolved","data":1}`, want: deadletter.UnknownField},
		{name: "unknown member", body: `{` + rest + `,"priority":1}`, want: deadletter.UnknownField},
		{name: "event and envelope", body: `{` + rest + `,"detail-type":"alert.resolved","detail":{"tenant_id":"other"}}`, want: deadletter.Ambiguous},
		{name: "envelope with a top-level tenant_id", body: `{"detail-type":"alert.resolved","tenant_id":"acme","detail":{"tenant_id":"other"}}`, want: deadletter.Ambiguous},
		{name: "no tenant", body: `{"id":"e1","type":"alert.resolved","data":1}`, want: deadletter.MissingField},
		{name: "tenant not a string", body: `{"tenant_id":7,"type":"alert.resolved","data":1}`, want: deadletter.MissingField},
		{name: "tenant with a separator", body: `{"tenant_id":"a#b","type":"alert.resolved","data":1}`, want: deadletter.InvalidTenant},
		{name: "no data", body: `{"tenant_id":"acme","type":"alert.resolved"}`, want: deadletter.MissingField},
		{name: "no type", body: `{"tenant_id":"acme","data":1}`, want: deadletter.MissingField},
		{name: "unknown type", body: `{"tenant_id":"acme","type":"environment.exploded","data":1}`, want: deadletter.UnknownType},
		{name: "the test route's type", body: `{"tenant_id":"acme","type":"webhook.test","data":1}`, want: deadletter.UnknownType},
		{name: "id with a full stop", body: `{"id":"e.1",` + rest + `}`, want: deadletter.InvalidID},
		{name: "empty id", body: `{"id":"",` + rest + `}`, want: deadletter.InvalidID},
		{name: "id null", body: `{"id":null,` + rest + `}`, want: deadletter.InvalidID},
		{name: "id of 65 characters", body: `{"id":"` + strings.Repeat("x", 65) + `",` + rest + `}`, want: deadletter.InvalidID},
		{name: "timestamp without zone", body: `{"timestamp":"2026-01-26T10:00:00",` + rest + `}`, want: deadletter.InvalidTimestamp},
		{name: "timestamp with a comma", body: `{"timestamp":"2026-01-26T10:00:00,5Z",` + rest + `}`, want: deadletter.InvalidTimestamp},
		{name: "timestamp with one digit of the hour", body: `{"timestamp":"2026-01-26T9:00:00Z",` + rest + `}`, want: deadletter.InvalidTimestamp},
		{name: "timestamp with an offset of a day", body: `{"timestamp":"2026-01-26T10:00:00+24:00",` + rest + `}`, want: deadletter.InvalidTimestamp},
		{name: "timestamp with a leap second", body: `{"timestamp":"2016-12-31T23:59:60Z",` + rest + `}`, want: deadletter.InvalidTimestamp},
		{name: "time of an envelope with one digit of the hour", body: `{"detail-type":"alert.resolved","time":"2026-01-26T9:00:00Z","detail":{"tenant_id":"acme"}}`, want: deadletter.InvalidTimestamp},
		{name: "timestamp a number", body: `{"timestamp":1,` + rest + `}`, want: deadletter.InvalidTimestamp},
		{name: "data above the limit", body: `{"id":"big","tenant_id":"acme","type":"alert.resolved","data":"` + strings.Repeat("x", event.MaxData-1) + `"}`, want: deadletter.DataTooLarge},
		{name: "white space above the limit of a message", body: `{` + rest + `}` + strings.Repeat("\n", event.MaxMessage-len(rest)-1), want: deadletter.MessageTooLarge},
		{name: "another via", body: `{"via":"sqs",` + rest + `}`, want: deadletter.UnknownField},
		{name: "via of another type", body: `{"via":1,` + rest + `}`, want: deadletter.UnknownField},
		{name: "via of an envelope", body: `{"via":"http","detail-type":"alert.resolved","tenant_id":"acme","detail":{"tenant_id":"other"}}`, want: deadletter.Ambiguous},
		{name: "body of a redriven message", body: `{"redrive":1,"event_id":"e1","sent_at":1,"body":"{}"}`, want: deadletter.UnknownField},
		{name: "data of 101 levels", body: `{"id":"deep","tenant_id":"acme","type":"alert.resolved","data":` + nested(event.MaxDepth+1) + `}`, want: deadletter.TooDeep},
		{name: "data of 9,999 levels", body: `{"id":"deep","tenant_id":"acme","type":"alert.resolved","data":` + nested(9999) + `}`, want: deadletter.TooDeep},
		{name: "data of 300,000 levels", body: `{"id":"deep","tenant_id":"acme","type":"alert.resolved","data":` + nested(300_000) + `}`, want: deadletter.TooDeep},
		{name: "deep id", body: `{"tenant_id":"acme","type":"alert.resolved","data":1,"id":` + nested(9999) + `}`, want: deadletter.TooDeep},
		{name: "deep detail of an envelope", body: `{"detail-type":"alert.resolved","id":"deep","time":"2026-01-26T10:00:00Z","detail":{"tenant_id":"acme","a":` + nested(event.MaxDepth) + `}}`, want: deadletter.TooDeep},
		{name: "deep member that AWS may add", body: `{"detail-type":"alert.resolved","id":"deep","time":"2026-01-26T10:00:00Z","detail":{"tenant_id":"acme"},"x":` + nested(9999) + `}`, want: deadletter.TooDeep},
		{name: "envelope without tenant", body: `{"detail-type":"alert.resolved","id":"e1","time":"2026-01-26T10:00:00Z","detail":{}}`, want: deadletter.MissingField},
		{name: "envelope whose detail is a string", body: `{"detail-type":"alert.resolved","detail":"x"}`, want: deadletter.MissingField},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, err := event.Decode(message(tt.body))
			var refusal *deadletter.Refusal
			if !errors.As(err, &refusal) {
				t.Fatalf("Decode = %+v, %v, want a refusal", e, err)
			}
			if refusal.Reason != tt.want || !strings.Contains(refusal.Detail, " ") {
				t.Errorf("refusal = %+v, want reason %s and a sentence", refusal, tt.want)
			}
		})
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	decode := func(m event.Message) event.Hash {
		e, err := event.Decode(m)
		if err != nil {
			t.Fatal(err)
		}
		return e.Hash()
	}
	const base = `{"id":"e1","type":"alert.resolved","tenant_id":"acme","data":{"a":1}}`
	first := decode(message(base))
	later := message(base)
	later.SentAt = later.SentAt.Add(time.Hour)
	if decode(later) != first {
		t.Error("the same message sent later has another hash")
	}
	for name, body := range map[string]string{
		"data":      `{"id":"e1","type":"alert.resolved","tenant_id":"acme","data":{"a":2}}`,
		"spaces":    `{"id":"e1","type":"alert.resolved","tenant_id":"acme","data":{"a": 1}}`,
		"type":      `{"id":"e1","type":"alert.triggered","tenant_id":"acme","data":{"a":1}}`,
		"tenant":    `{"id":"e1","type":"alert.resolved","tenant_id":"acme2","data":{"a":1}}`,
		"timestamp": `{"id":"e1","type":"alert.resolved","tenant_id":"acme","timestamp":"2026-01-26T10:00:00.007Z","data":{"a":1}}`,
	} {
		if decode(message(body)) == first {
			t.Errorf("events with different %s have the same hash", name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"id":"e1","type":"environment.created","tenant_id":"acme","timestamp":"2026-01-26T10:00:00Z","data":{"id":7}}`))
	f.Add([]byte(`{"id":"x","detail-type":"training.failed","time":"2026-01-26T10:00:00Z","detail":{"tenant_id":"acme"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := event.Decode(message(string(body)))
		if err != nil {
			return
		}
		if depth := strictjson.Depth(e.Data); depth > event.MaxDepth {
			t.Errorf("accepted data of %d levels", depth)
		}
		if !event.ValidID(e.ID) || !event.ValidID(e.TenantID) {
			t.Errorf("accepted id %q of tenant %q", e.ID, e.TenantID)
		}
		// Decode must accept the body that it produced, because it is as strict as any
		// receiver.
		again, err := event.Decode(event.Message{ID: "x", Body: []byte(`{"id":"x","tenant_id":"t","type":"` + string(e.Type) + `","timestamp":"` + e.Timestamp + `","data":` + string(e.Data) + `}`)})
		if err != nil || !cmp.Equal(again.Body(), e.Body()) {
			t.Errorf("the body %s changes when it is decoded again: %v", e.Body(), err)
		}
	})
}
