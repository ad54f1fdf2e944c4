package stored_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/queue"
	"webhooks/shared/deadletter"
	"webhooks/shared/delivery"
	"webhooks/shared/event"
	"webhooks/shared/strictjson"
)

// messageForm is the body of a message in a queue.
type messageForm struct {
	name string
	// written is the body that today's code sends, or "" if only others send it.
	written string
	read    func(body string) (any, error)
	want    any
}

func TestMessages(t *testing.T) {
	t.Parallel()
	for _, form := range messageForms(t) {
		t.Run(form.name, func(t *testing.T) {
			t.Parallel()
			for _, file := range goldens(t, form.name, form.written, strings.Clone) {
				got, err := form.read(file.text)
				if diff := cmp.Diff(form.want, got); err != nil || diff != "" {
					t.Errorf("%s: %v; read (-want +got):\n%s", file.name, err, diff)
				}
			}
		})
	}
}

func messageForms(t *testing.T) []messageForm {
	t.Helper()
	queuedLogs := attemptlog.Chunks([]attemptlog.Log{newLog(0), newLog(0)})[0].Numbered(7, 5)[0]
	encodedLogs, err := delivery.EncodeLogs(queuedLogs)
	if err != nil {
		t.Fatal(err)
	}
	inline, reference, slow, single := newDelivery(), newDelivery(), waitingDelivery(), newDelivery()
	reference.Body, single.Single = nil, true
	slow.SlowAt = 1
	slotted := newDelivery().InSlot(now.Add(90*time.Second), 2.5)
	first, second := newDelivery(), newDelivery()
	second.Webhook.ID = 12
	published, generated, bus := publishedEvent(t), plainEvent("evt_m1", "2026-01-26T10:00:00.007Z", `{"n":1.0}`), plainEvent("evt_1", "2026-01-26T10:00:00Z", `{"tenant_id":"acme","n":1.0}`)
	return []messageForm{
		{name: "event-message", written: published.Message(), read: readEvent, want: plainEvent("evt_1", "2026-01-26T10:00:00Z", `{"n":1.0}`)},
		{name: "event-message-of-producer", read: readEvent, want: generated},
		{name: "event-message-of-bus", read: readEvent, want: bus},
		{name: "delivery-message", written: inline.Encode(), read: readDelivery, want: []delivery.Delivery{inline}},
		{name: "delivery-message-of-several", written: first.EncodeTo(first.Webhook.ID, second.Webhook.ID), read: readDelivery, want: []delivery.Delivery{first, second}},
		{name: "delivery-message-by-reference", written: reference.Encode(), read: readDelivery, want: []delivery.Delivery{reference}},
		{name: "delivery-message-slow", written: slow.Encode(), read: readDelivery, want: []delivery.Delivery{slow}},
		{name: "delivery-message-in-slot", written: slotted.Encode(), read: readDelivery, want: []delivery.Delivery{slotted}},
		{name: "delivery-message-single", written: single.Encode(), read: readDelivery, want: []delivery.Delivery{single}},
		{name: "delivery-message-with-logs", written: encodedLogs, read: readDelivery, want: queuedLogs},
		{name: "event-message-redriven", read: readRedriven, want: deadletter.Origin{EventID: "evt_1", SentAt: now, Body: `{"id":"evt_1"}`}},
		{name: "dead-letter-of-event", written: encodeLetter(t, letter(now)), read: readLetter, want: origin{Body: `{"id":"evt_1"}`, EventID: "evt_1", SentAt: "1769421600000"}},
		{name: "dead-letter-of-delivery", written: encodeLetter(t, letter(time.Time{})), read: readLetter, want: origin{Body: `{"id":"evt_1"}`, EventID: "evt_1"}},
	}
}

// fields are the fields of an event that a reader sees.
type fields struct {
	ID, TenantID, Timestamp, Data string
	Type                          event.Type
}

func plainEvent(id, timestamp, data string) fields {
	return fields{ID: id, TenantID: "acme", Type: event.TrainingFailed, Timestamp: timestamp, Data: data}
}

func readEvent(body string) (any, error) {
	e, err := event.Decode(event.Message{ID: "m1", SentAt: now.Add(7 * time.Millisecond), Body: []byte(body)})
	return fields{ID: e.ID, TenantID: e.TenantID, Type: e.Type, Timestamp: e.Timestamp, Data: string(e.Data)}, err
}

// publishedEvent is an event as POST /api/v1/events queues it.
func publishedEvent(t *testing.T) event.Event {
	t.Helper()
	object, err := strictjson.Parse([]byte(`{"id":"evt_1","type":"training.failed","timestamp":"2026-01-26T10:00:00Z","data":{"n":1.0}}`))
	if err != nil {
		t.Fatal(err)
	}
	e, refused := event.DecodePublished(object, "acme", "")
	if len(refused) > 0 {
		t.Fatal(refused)
	}
	return e
}

// newDelivery is a first attempt.
func newDelivery() delivery.Delivery {
	e := newEvent("evt_1", `{"n":1.0}`)
	return delivery.Delivery{Webhook: key, Event: e.Key(), Type: e.Type, Attempt: 1, Due: now, Hash: e.Hash(), Body: e.Body()}
}

// waitingDelivery is a later attempt, which the receiver and the breaker delayed.
func waitingDelivery() delivery.Delivery {
	d := newDelivery()
	d.Attempt, d.Due, d.Planned, d.First, d.Held, d.Body = 4, now.Add(7*time.Hour), now.Add(6*time.Hour), now, true, nil
	return d
}

func readDelivery(body string) (any, error) {
	m, err := delivery.Decode([]byte(body))
	switch {
	case err != nil:
		return nil, err
	case m.Logs != nil:
		return *m.Logs, nil
	}
	return m.Deliveries, nil
}

// letterText is a dead letter in a file.
type letterText struct {
	Attributes map[string]string `json:"attributes"`
	Body       string            `json:"body"`
}

func letter(sentAt time.Time) deadletter.Letter {
	return deadletter.Letter{
		Refusal:   deadletter.Refusal{Reason: deadletter.TooManyReceives, Detail: "DynamoDB is down"},
		Subject:   deadletter.Subject{TenantID: "acme", EventID: "evt_1", EventType: "training.failed"},
		MessageID: "m1", Body: `{"id":"evt_1"}`, SentAt: sentAt,
	}
}

func encodeLetter(t *testing.T, l deadletter.Letter) string {
	t.Helper()
	body, attributes := l.Encode(queue.MaxBytes)
	encoded, err := json.MarshalIndent(letterText{attributes, body}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// origin is what `make redrive` reads from a letter.
type origin struct{ Body, EventID, SentAt string }

func readLetter(text string) (any, error) {
	var l letterText
	err := json.Unmarshal([]byte(text), &l)
	return origin{l.Body, l.Attributes["event_id"], l.Attributes["sent_at"]}, err
}

// readRedriven reads a message that `make redrive` sent a minute after the first
// sending. The test of .tools/operate/redrive.py compares what it writes with the
// newest file.
func readRedriven(body string) (any, error) {
	sent := strconv.FormatInt(now.Add(time.Minute).UnixMilli(), 10)
	return deadletter.OriginOf(events.SQSMessage{Body: body, Attributes: map[string]string{"SentTimestamp": sent}})
}
