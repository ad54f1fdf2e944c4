package delivery_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/delivery"
	"webhooks/shared/event"
)

// FuzzDecode: Decode refuses a message, or returns a delivery that is the same after
// Encode and Decode.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(sample().Encode()))
	f.Add([]byte(`{"kind":"outcome","log":{"tenant_id":"acme","webhook_id":1,"event_id":"e","attempt":1}}`))
	f.Add([]byte(`{"kind":"delivery","tenant_id":"a#b","webhook_id":1,"event_id":"e","attempt":1,"hash":"00"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := delivery.Decode(text)
		if err != nil {
			return
		}
		if (m.Delivery == nil) == (m.Log == nil) {
			t.Fatalf("Decode(%s) = %+v, want either a delivery or a queued log", text, m)
		}
		_ = m.Subject()
		if m.Log != nil {
			if m.Log.WebhookID < 1 || !event.ValidID(m.Log.TenantID) {
				t.Errorf("accepted a queued log of webhook %d of %q", m.Log.WebhookID, m.Log.TenantID)
			}
			return
		}
		again, err := delivery.Decode([]byte(m.Delivery.Encode()))
		if err != nil {
			t.Fatalf("%s is accepted, but not when encoded again as %s: %v", text, m.Delivery.Encode(), err)
		}
		if diff := cmp.Diff(m, again); diff != "" {
			t.Errorf("%s, encoded again (-before +after):\n%s", text, diff)
		}
	})
}
