package delivery_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/attemptlog"
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
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := delivery.Decode([]byte(d.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			// The body is signed, so it must be the same byte for byte.
			if diff := cmp.Diff(&d, m.Delivery); diff != "" || m.Log != nil {
				t.Errorf("delivery (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDecodeReadsADeliveryOfTheNextVersion: it has an event type and a member that this
// version does not know. After a roll-back such messages are still in the queue.
func TestDecodeReadsADeliveryOfTheNextVersion(t *testing.T) {
	t.Parallel()
	next := sample()
	next.Type = "alert.muted"
	text := strings.Replace(next.Encode(), `{"kind":`, `{"version":2,"kind":`, 1)
	m, err := delivery.Decode([]byte(text))
	if diff := cmp.Diff(&next, m.Delivery); err != nil || diff != "" {
		t.Errorf("%v, delivery (-want +got):\n%s", err, diff)
	}
}

func TestQueuedLogRoundTrip(t *testing.T) {
	t.Parallel()
	l := attemptlog.Log{
		TenantID: "acme", WebhookID: 7, EventID: "evt_1", EventType: event.TrainingFailed, Attempt: 2,
		Outcome: attemptlog.Retrying, StatusCode: 500, ResponseTime: 12 * time.Millisecond, ResponseBody: "no\n\x00",
		CreatedAt: due, NextAttemptAt: due.Add(time.Minute),
	}
	text, err := delivery.EncodeLog(l)
	if err != nil {
		t.Fatal(err)
	}
	m, err := delivery.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&l, m.Log); diff != "" {
		t.Errorf("queued log (-want +got):\n%s", diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	good := sample().Encode()
	for name, text := range map[string]string{
		"not JSON":         "hello",
		"another kind":     `{"kind":"greeting"}`,
		"no kind":          `{}`,
		"empty queued log": `{"kind":"outcome"}`,
		"no webhook":       strings.Replace(good, `"webhook_id":7`, `"webhook_id":0`, 1),
		"no attempt":       strings.Replace(good, `"attempt":1`, `"attempt":0`, 1),
		"no hash":          strings.Replace(good, `"hash":"01`, `"hash":"zz`, 1),
		"invalid event id": strings.Replace(good, `"event_id":"evt_1"`, `"event_id":"evt.1"`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if m, err := delivery.Decode([]byte(text)); err == nil {
				t.Errorf("Decode = %+v, want an error", m)
			}
		})
	}
}
