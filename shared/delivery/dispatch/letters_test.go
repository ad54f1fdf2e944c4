package dispatch_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/queue"
	"webhooks/shared/deadletter"
	"webhooks/shared/delivery"
	"webhooks/shared/event"
)

func TestBodiesByReference(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		size int
		keep func(b *bundle, e event.Event) error
	}{
		{name: "in the event's own row", size: 10, keep: func(b *bundle, e event.Event) error {
			return b.events.Create(t.Context(), e, []int64{1}, b.now)
		}},
		{name: "in a row of its own", size: 100 << 10, keep: func(b *bundle, e event.Event) error {
			if err := b.events.PutBody(t.Context(), e, b.now); err != nil {
				return err
			}
			return b.events.Create(t.Context(), e, []int64{1}, b.now)
		}},
		// Deliveries are queued before the event is stored.
		{name: "before the event is stored", size: 100 << 10, keep: func(b *bundle, e event.Event) error {
			return b.events.PutBody(t.Context(), e, b.now)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var got []byte
			receiver := httptest.NewServer(reading(&got))
			defer receiver.Close()
			w := b.create(t, receiver.URL)
			e := event.Event{
				ID: "evt_1", TenantID: tenant, Type: event.EnvironmentCreated, Timestamp: "2026-01-26T10:00:00Z",
				Data: []byte(`{ "pi":3.1400,"s":"` + strings.Repeat("x", tt.size) + `" }`),
			}
			if err := tt.keep(b, e); err != nil {
				t.Fatal(err)
			}
			d := b.to(w, 1)
			d.Hash, d.Body = e.Hash(), nil
			b.settle(t, d)
			if diff := cmp.Diff(string(e.Body()), string(got)); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	missing := one(1)
	missing.Body = nil
	queuedLogs, err := delivery.EncodeLogs(attemptlog.Chunks([]attemptlog.Log{{
		TenantID: tenant, WebhookID: 1, EventID: "evt_9", Trigger: attemptlog.FirstAttempt, Attempt: 1, Outcome: attemptlog.Delivered, CreatedAt: start,
	}})[0])
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name     string
		body     string
		received string
		want     letter
	}{
		{name: "no body", body: missing.Encode(), received: "1", want: letter{Reason: deadletter.BodyMissing, EventID: "evt_1"}},
		{name: "not JSON", body: "hello \u00e9", received: "1", want: letter{Reason: deadletter.Unreadable}},
		{name: "not JSON, nearly exhausted", body: "hello", received: "49", want: letter{Reason: deadletter.Unreadable}},
		{name: "an event", body: `{"type":"environment.created","tenant_id":"acme","data":{}}`, received: "1", want: letter{Reason: deadletter.Unreadable}},
		{name: "nearly exhausted", body: one(1).Encode(), received: "49", want: letter{Reason: deadletter.TooManyReceives, EventID: "evt_1"}},
		{name: "exhausted queued logs", body: queuedLogs, received: "50", want: letter{Reason: deadletter.TooManyReceives, EventID: "evt_9"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var requests atomicCount
			receiver := httptest.NewServer(answer(200, &requests))
			defer receiver.Close()
			w := b.create(t, receiver.URL) // webhook 1
			poison := message(tt.body)
			poison.Attributes["ApproximateReceiveCount"] = tt.received
			if failed := b.handle(t, t.Context(), poison, message(b.to(w, 2).Encode())); failed != nil {
				t.Fatalf("received again: %v", failed)
			}
			tt.want.Body = tt.body // unchanged, for a redrive
			if diff := cmp.Diff([]letter{tt.want}, b.letters(t)); diff != "" {
				t.Errorf("dead letters (-want +got):\n%s", diff)
			}
			if requests.get() != 1 {
				t.Errorf("%d requests, want that of the other delivery", requests.get())
			}
		})
	}
}

func TestALetterThatCannotBeSentIsReceivedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.dispatcher.DeadLetters = queueFunc(func(_ context.Context, letters []queue.Message) []error {
		failures := allOf(len(letters), nil)
		for i, l := range letters { // in any order
			if l.Body == "b" {
				failures[i] = errors.New("no")
			}
		}
		return failures
	})
	if diff := cmp.Diff([]string{"m-1"}, b.handle(t, t.Context(), message("a"), message("b"))); diff != "" {
		t.Errorf("received again (-want +got):\n%s", diff)
	}
}

// A message of the largest size that somebody else sent to the queue is set aside at
// its first receive, and the detail that quotes it is bounded.
func TestMessagesOfTheLargestSizeAreSetAside(t *testing.T) {
	t.Parallel()
	const largest = 1 << 20
	for name, body := range map[string]string{
		"text":          strings.Repeat("x", largest),
		"a long kind":   `{"kind":"` + strings.Repeat("é", largest/2-6) + `"}`,
		"a long member": `{"` + strings.Repeat("m", largest-6) + `":x}`,
		"deep":          strings.Repeat("[", largest),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var requests atomicCount
			receiver := httptest.NewServer(answer(200, &requests))
			defer receiver.Close()
			w := b.create(t, receiver.URL)
			sizes := make(chan int, 1)
			b.dispatcher.DeadLetters = queueFunc(func(_ context.Context, letters []queue.Message) []error {
				for _, l := range letters {
					sizes <- l.Size()
					if l.Attributes["reason"] != string(deadletter.Unreadable) || l.Attributes["altered"] == "" || !strings.HasPrefix(body, l.Body) {
						t.Errorf("a letter of %d bytes with %.300v", len(l.Body), l.Attributes)
					}
				}
				return allOf(len(letters), nil)
			})
			if failed := b.handle(t, t.Context(), message(body), message(b.to(w, 2).Encode())); failed != nil {
				t.Errorf("received again: %v", failed)
			}
			if size := <-sizes; size > queue.MaxBytes || size < queue.MaxBytes-4096 {
				t.Errorf("the letter has %d bytes", size)
			}
			if requests.get() != 1 {
				t.Errorf("%d requests, want that of the other delivery", requests.get())
			}
		})
	}
}

// An operator can tell which event a message that was set aside is about.
func TestSetAsideDeliveriesAreNamedInTheLog(t *testing.T) {
	t.Parallel()
	missing, exhausted := one(1), message(one(3).Encode())
	missing.Body = nil
	exhausted.Attributes["ApproximateReceiveCount"] = "49"
	for name, tt := range map[string]struct {
		message events.SQSMessage
		eventID string
	}{
		"no body":           {message(missing.Encode()), "evt_1"},
		"unreadable":        {message(strings.Replace(one(2).Encode(), `"attempt":1`, `"attempt":0`, 1)), "evt_2"},
		"too many receives": {exhausted, "evt_3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.create(t, "https://receiver.example") // webhook 1
			b.handle(t, t.Context(), tt.message)
			if want := `"message_id":"m-0","tenant_id":"acme","event_id":"` + tt.eventID + `","event_type":"environment.created","reason":"`; !b.log.contains(want) {
				t.Errorf("the log has no %s:\n%s", want, b.log.text.String())
			}
		})
	}
}
