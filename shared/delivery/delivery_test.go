package delivery_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/attemptlog"
	"webhooks/shared/deadletter"
	"webhooks/shared/delivery"
	"webhooks/shared/event"
	"webhooks/shared/webhook"
)

var due = time.Date(2026, 1, 26, 10, 0, 0, 7_000_000, time.UTC)

// sample returns a delivery before its first attempt.
func sample() delivery.Delivery {
	return delivery.Delivery{
		Webhook: webhook.Key{TenantID: "acme", ID: 7}, Event: event.Key{TenantID: "acme", ID: "evt_1"},
		Type: event.TrainingFailed, Attempt: 1, Due: due, Hash: event.Hash{1, 2, 3},
		Body: []byte(`{"type":"training.failed","data":{ "z": 1.000000000000000000001, "a":"\u00e9\/" }}`),
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	without := sample()
	without.Body = nil
	single := sample()
	single.Single = true
	postponed := sample().Following(delivery.Verdict{Next: due.Add(time.Minute), At: due.Add(time.Hour)})
	deepest := sample()
	deepest.Body = event.Event{Type: event.TrainingFailed, Data: []byte(strings.Repeat("[", event.MaxDepth) + strings.Repeat("]", event.MaxDepth))}.Body()
	for name, d := range map[string]delivery.Delivery{
		"with the deepest body": deepest,
		"with its body":         sample(), "without its body": without, "single": single, "postponed": postponed,
		"in a slot": sample().InSlot(due.Add(time.Minute), 5.0/3),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := delivery.Decode([]byte(d.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			// The body is signed, so it must be the same byte for byte.
			if diff := cmp.Diff(delivery.Message{Deliveries: []delivery.Delivery{d}}, m); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
			if only, err := m.Only(); err != nil || only.Webhook != d.Webhook {
				t.Errorf("Only = %+v, %v", only, err)
			}
		})
	}
}

// TestAMessageMayCarrySeveralDeliveriesOfAnEvent: they differ in nothing but the webhook.
func TestAMessageMayCarrySeveralDeliveriesOfAnEvent(t *testing.T) {
	t.Parallel()
	ids := []int64{7, 1 << 62, 3, 4, 5, 6, 8, 9, 10, 11}
	for _, n := range []int{1, 2, delivery.MaxDeliveries} {
		var want []delivery.Delivery
		for _, id := range ids[:n] {
			d := sample()
			d.Webhook.ID = id
			want = append(want, d)
		}
		text := sample().EncodeTo(ids[:n]...)
		m, err := delivery.Decode([]byte(text))
		if diff := cmp.Diff(delivery.Message{Deliveries: want}, m); err != nil || diff != "" {
			t.Errorf("%d webhooks: %v, message (-want +got):\n%s", n, err, diff)
		}
		if count := strings.Count(text, "training.failed"); count != 2 {
			t.Errorf("%d webhooks: the message has the event's type %d times, want once beside the body", n, count)
		}
		if want := (deadletter.Subject{TenantID: "acme", EventID: "evt_1", EventType: "training.failed"}); m.Subject() != want {
			t.Errorf("%d webhooks: subject %+v, want %+v", n, m.Subject(), want)
		}
		if _, err := m.Only(); (err == nil) != (n == 1) {
			t.Errorf("%d webhooks: Only returns the error %v", n, err)
		}
	}
}

// TestDecodeReadsWhatALaterReleaseAdds: an event type and a member that this release
// does not know. After a roll-back such messages are still in the queue.
func TestDecodeReadsWhatALaterReleaseAdds(t *testing.T) {
	t.Parallel()
	next := sample()
	next.Type = "alert.muted"
	text := strings.Replace(next.Encode(), `{"kind":`, `{"colour":"blue","kind":`, 1)
	m, err := delivery.Decode([]byte(text))
	if diff := cmp.Diff([]delivery.Delivery{next}, m.Deliveries); err != nil || diff != "" {
		t.Errorf("%v, deliveries (-want +got):\n%s", err, diff)
	}
}

// TestAnUnknownFormatIsRefusedByItsNumber: this release would misread it.
func TestAnUnknownFormatIsRefusedByItsNumber(t *testing.T) {
	t.Parallel()
	for format, text := range map[string]string{
		"format 2": strings.Replace(sample().Encode(), `"format":1`, `"format":2`, 1),
		"format 0": strings.Replace(sample().Encode(), `"format":1,`, ``, 1),
	} {
		if m, err := delivery.Decode([]byte(text)); err == nil || !strings.Contains(err.Error(), format) {
			t.Errorf("Decode = %+v, %v, want an error that names %s", m, err, format)
		}
	}
}

func TestQueuedLogsRoundTrip(t *testing.T) {
	t.Parallel()
	l := attemptlog.Log{
		TenantID: "acme", WebhookID: 7, EventID: "evt_1", EventType: event.TrainingFailed, Trigger: attemptlog.Retry, Attempt: 2,
		Outcome: attemptlog.Retrying, StatusCode: 500, ResponseTime: 12 * time.Millisecond, ResponseBody: "no\n\x00",
		CreatedAt: due, NextAttemptAt: due.Add(time.Minute),
	}
	other := l
	other.EventID = "evt_2"
	c := attemptlog.Chunks([]attemptlog.Log{l, other})[0]
	text, err := delivery.EncodeLogs(c)
	if err != nil {
		t.Fatal(err)
	}
	m, err := delivery.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(delivery.Message{Logs: &c}, m); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	if got := m.Subject(); got.EventID != "evt_1" || got.TenantID != "acme" {
		t.Errorf("subject = %+v, want the first event", got)
	}
	if _, err := m.Only(); err == nil {
		t.Error("Only takes queued logs for a delivery")
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	good := sample().Encode()
	for name, text := range map[string]string{
		"not JSON":                      "hello",
		"another kind":                  `{"kind":"greeting"}`,
		"no kind":                       `{}`,
		"no queued logs":                `{"kind":"logs"}`,
		"queued logs of another format": `{"kind":"logs","logs":{"format":2,"tenant_id":"acme","webhook_id":1,"from":1,"logs":[{"event_id":"e","type":"","attempt":1,"outcome":"delivered"}]}}`,
		"no webhooks":                   strings.Replace(good, `"webhook_ids":[7],`, ``, 1),
		"none of webhooks":              strings.Replace(good, `[7]`, `[]`, 1),
		"no webhook":                    strings.Replace(good, `[7]`, `[7,0]`, 1),
		"a webhook twice":               strings.Replace(good, `[7]`, `[7,8,7]`, 1),
		"eleven webhooks":               strings.Replace(good, `[7]`, `[1,2,3,4,5,6,7,8,9,10,11]`, 1),
		"a text":                        strings.Replace(good, `[7]`, `["7"]`, 1),
		"no attempt":                    strings.Replace(good, `"attempt":1`, `"attempt":0`, 1),
		"no hash":                       strings.Replace(good, `"hash":"01`, `"hash":"zz`, 1),
		"invalid event id":              strings.Replace(good, `"event_id":"evt_1"`, `"event_id":"evt.1"`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if m, err := delivery.Decode([]byte(text)); err == nil {
				t.Errorf("Decode = %+v, want an error", m)
			}
		})
	}
}
