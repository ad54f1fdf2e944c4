package event_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/event"
	"webhooks/shared/strictjson"
)

// FuzzEnvelope checks that the tenant of an EventBridge envelope is the one in its
// detail, whatever else the envelope contains.
func FuzzEnvelope(f *testing.F) {
	f.Add("training.failed", "2026-01-26T10:00:00Z", `{"tenant_id":"acme","job":9}`)
	f.Add("alert.resolved", "2026-01-26T10:00:00,5Z", `{"tenant_id":"acme","tenant_id":"other"}`)
	f.Add("alert.resolved", "", `{"detail":{"tenant_id":"acme"}},"tenant_id":"other","x":{}`)
	f.Fuzz(func(t *testing.T, kind, at, detail string) {
		body := fmt.Sprintf(`{"version":"0","id":"e1","detail-type":%q,"source":"x","time":%q,"detail":%s}`, kind, at, detail)
		e, err := event.Decode(event.Message{ID: "m1", SentAt: time.Unix(0, 0), Body: []byte(body)})
		if err != nil {
			return
		}
		object, err := strictjson.Parse(e.Data)
		if err != nil {
			t.Fatalf("Decode accepts the data %s, which is not an object: %v", e.Data, err)
		}
		if tenant, _ := strictjson.String(object["tenant_id"]); tenant != e.TenantID || !event.ValidID(tenant) {
			t.Errorf("%s is decoded as an event of tenant %q", body, e.TenantID)
		}
	})
}

// FuzzPublished checks that an event that a tenant publishes over HTTP belongs to
// the tenant, and that Decode reads the same event from the queue.
func FuzzPublished(f *testing.F) {
	f.Add([]byte(`{"id":"e1","type":"environment.created","timestamp":"2026-01-26T10:00:00Z","data":{"id":7}}`))
	f.Add([]byte(`{"type":"alert.resolved","data":"\ufffe","tenant_id":"other"}`))
	f.Add([]byte(`{"type":"alert.resolved","data":` + nested(event.MaxDepth) + `}`))
	f.Add([]byte(`{"type":"alert.resolved","data":` + nested(9999) + `}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		object, err := strictjson.Parse(text)
		tooDeep := errors.Is(err, strictjson.ErrTooDeep)
		if err != nil && !tooDeep {
			return
		}
		e, refused := event.DecodePublished(object, "acme", "evt_new")
		if tooDeep && len(refused) == 0 {
			t.Fatalf("%s is accepted although it is too deep", text)
		}
		if len(refused) > 0 || len(e.Data) > event.MaxData {
			return
		}
		sent := e.Message()
		got, err := event.Decode(event.Message{ID: "m1", SentAt: time.Unix(0, 0), Body: []byte(sent)})
		if err != nil {
			t.Fatalf("%s is accepted and queued as %s, which Decode refuses: %v", text, sent, err)
		}
		if got.Key() != e.Key() || got.TenantID != "acme" || !cmp.Equal(got.Hash(), e.Hash()) {
			t.Errorf("%s is decoded from the queue as %+v, want %+v", text, got, e)
		}
	})
}
