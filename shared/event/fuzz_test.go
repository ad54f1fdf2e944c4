package event_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/event"
	"webhooks/shared/strictjson"
)

// FuzzEnvelope: an EventBridge envelope belongs to the tenant that its detail
// names, and to no other that stands somewhere else in it.
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
			t.Fatalf("the data %s is accepted and no object: %v", e.Data, err)
		}
		if tenant, _ := strictjson.String(object["tenant_id"]); tenant != e.TenantID || !event.ValidID(tenant) {
			t.Errorf("%s is an event of %q", body, e.TenantID)
		}
	})
}

// FuzzPublished: what a tenant publishes over HTTP is its own event, and the queue
// gives it back as it was.
func FuzzPublished(f *testing.F) {
	f.Add([]byte(`{"id":"e1","type":"environment.created","timestamp":"2026-01-26T10:00:00Z","data":{"id":7}}`))
	f.Add([]byte(`{"type":"alert.resolved","data":"\ufffe","tenant_id":"other"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		object, err := strictjson.Parse(text)
		if err != nil {
			return
		}
		e, refused := event.DecodePublished(object, "acme", "evt_new")
		if len(refused) > 0 || len(e.Data) > event.MaxData {
			return
		}
		sent := e.Message()
		got, err := event.Decode(event.Message{ID: "m1", SentAt: time.Unix(0, 0), Body: []byte(sent)})
		if err != nil {
			t.Fatalf("%s is accepted and queued as %s, which is refused: %v", text, sent, err)
		}
		if got.Key() != e.Key() || got.TenantID != "acme" || !cmp.Equal(got.Hash(), e.Hash()) {
			t.Errorf("%s comes out of the queue as %+v, want %+v", text, got, e)
		}
	})
}
