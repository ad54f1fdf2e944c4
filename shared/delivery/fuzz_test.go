package delivery_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/delivery"
	"webhooks/shared/event"
)

// FuzzDecode: Decode refuses a message, or returns deliveries that are the same after
// EncodeTo and Decode.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(sample().Encode()))
	f.Add([]byte(sample().EncodeTo(1, 2, 3)))
	f.Add([]byte(`{"kind":"logs","logs":{"format":1,"tenant_id":"acme","webhook_id":1,"from":1,"logs":[{"event_id":"e","type":"","attempt":1,"outcome":"delivered"}]}}`))
	f.Add([]byte(`{"kind":"delivery","format":1,"tenant_id":"a#b","webhook_ids":[1],"event_id":"e","attempt":1,"hash":"00"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := delivery.Decode(text)
		if err != nil {
			return
		}
		if (len(m.Deliveries) == 0) == (m.Logs == nil) || len(m.Deliveries) > delivery.MaxDeliveries {
			t.Fatalf("Decode(%s) = %+v, want either deliveries or queued logs", text, m)
		}
		_ = m.Subject()
		if m.Logs != nil {
			if m.Logs.Webhook.ID < 1 || !event.ValidID(m.Logs.Webhook.TenantID) || len(m.Logs.Logs) == 0 {
				t.Errorf("accepted the queued logs %+v", m.Logs)
			}
			return
		}
		var ids []int64
		for _, d := range m.Deliveries {
			ids = append(ids, d.Webhook.ID)
		}
		encoded := m.Deliveries[0].EncodeTo(ids...)
		again, err := delivery.Decode([]byte(encoded))
		if err != nil {
			t.Fatalf("%s is accepted, but not when encoded again as %s: %v", text, encoded, err)
		}
		if diff := cmp.Diff(m, again); diff != "" {
			t.Errorf("%s, encoded again (-before +after):\n%s", text, diff)
		}
	})
}
