package deadletter_test

import (
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/deadletter"
)

// received returns a message that was sent at sentAt.
func received(body string) events.SQSMessage {
	return events.SQSMessage{MessageId: "m1", Body: body, Attributes: map[string]string{"SentTimestamp": strconv.FormatInt(sentAt.UnixMilli(), 10)}}
}

func TestOriginOf(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	redriven := func(sentAt string) string {
		return `{"redrive":1,"event_id":"evt_1","sent_at":` + sentAt + `,"body":"{\"a\": \"\\u00e9\"}"}`
	}
	at := func(before time.Duration) string {
		return strconv.FormatInt(sentAt.Add(-before).UnixMilli(), 10)
	}
	tests := []struct {
		name, body string
		wantID     string
		wantBefore time.Duration
		redriven   bool
	}{
		{name: "a new message", body: `{"id":"e1"}`},
		{name: "a redriven message", body: redriven(at(3 * day)), redriven: true, wantID: "evt_1", wantBefore: 3 * day},
		{name: "sent 28 days before", body: redriven(at(28 * day)), redriven: true, wantID: "evt_1", wantBefore: 28 * day},
		{name: "sent longer before than letters wait", body: redriven(at(29 * day)), redriven: true, wantID: "evt_1", wantBefore: 28 * day},
		{name: "sent in 1970", body: redriven("0"), redriven: true, wantID: "evt_1", wantBefore: 28 * day},
		{name: "sent before all time", body: redriven(strconv.Itoa(math.MinInt64)), redriven: true, wantID: "evt_1", wantBefore: 28 * day},
		{name: "sent in the year 2100", body: redriven("4102444800000"), redriven: true, wantID: "evt_1"},
		{name: "sent after all time", body: redriven(strconv.Itoa(math.MaxInt64)), redriven: true, wantID: "evt_1"},
		{name: "a time as text", body: redriven(`"2026-01-26T10:00:00Z"`)},
		{name: "a time as a fraction", body: redriven(`1.5`)},
		{name: "a time beyond a number", body: redriven(`1e400`)},
		{name: "an unknown member", body: `{"redrive":1,"event_id":"evt_1","sent_at":1,"body":"{}","x":1}`},
		{name: "a member twice", body: `{"redrive":1,"event_id":"evt_1","event_id":"evt_2","sent_at":1,"body":"{}"}`},
		{name: "another format", body: `{"redrive":2,"event_id":"evt_1","sent_at":1,"body":"{}"}`},
		{name: "a body that is an object", body: `{"redrive":1,"event_id":"evt_1","sent_at":1,"body":{}}`},
		{name: "no time", body: `{"redrive":1,"event_id":"evt_1","body":"{}"}`},
		{name: "null as the time", body: redriven("null")},
		{name: "no id", body: `{"redrive":1,"sent_at":1,"body":"{}"}`},
		{name: "null as the id", body: `{"redrive":1,"event_id":null,"sent_at":1,"body":"{}"}`},
		{name: "null as the body", body: `{"redrive":1,"event_id":"evt_1","sent_at":1,"body":null}`},
		{name: "an empty id", body: `{"redrive":1,"event_id":"","sent_at":1,"body":"{\"a\": \"\\u00e9\"}"}`, redriven: true, wantBefore: 28 * day},
		{name: "an empty body", body: `{"redrive":1,"event_id":"evt_1","sent_at":1,"body":""}`},
		{name: "a body with a character that SQS refuses", body: `{"redrive":1,"event_id":"evt_1","sent_at":1,"body":"{\"data\":\"\uffff\"}"}`},
		{name: "a body with a control character", body: `{"redrive":1,"event_id":"evt_1","sent_at":1,"body":"{\u0000}"}`},
		{name: "an end that is missing", body: `{"redrive":1,`},
		{name: "nothing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := deadletter.Origin{EventID: tt.wantID, SentAt: sentAt.Add(-tt.wantBefore).UTC(), Body: tt.body}
			if tt.redriven {
				want.Body = `{"a": "\u00e9"}`
			}
			got, err := deadletter.OriginOf(received(tt.body))
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v; origin (-want +got):\n%s", err, diff)
			}
		})
	}
	for _, untimed := range []map[string]string{nil, {"SentTimestamp": ""}, {"SentTimestamp": "yesterday"}} {
		if origin, err := deadletter.OriginOf(events.SQSMessage{Body: `{}`, Attributes: untimed}); err == nil {
			t.Errorf("OriginOf a message without a time = %+v", origin)
		}
	}
}

// FuzzMessageAttributes checks that the attributes of a producer's message, of
// whatever name, type and value, mean nothing, and that no body makes a message that
// was sent in the future.
func FuzzMessageAttributes(f *testing.F) {
	f.Add(`{"id":"e1"}`, "sent_at", "String", "2026-01-26T10:00:00Z", []byte(nil))
	f.Add(`{"id":"e1"}`, "sent_at", "Number", "4102444800000", []byte(nil))
	f.Add(`{"id":"e1"}`, "event_id", "String.custom", "order-42", []byte(nil))
	f.Add(`{"id":"e1"}`, "event_id", "Binary", "", []byte{0, 0xff})
	f.Add(`{"redrive":1,"event_id":"e2","sent_at":9e18,"body":"x"}`, "reason", "Number.float", "NaN", []byte("x"))
	f.Fuzz(func(t *testing.T, body, name, dataType, text string, bytes []byte) {
		plain, with := received(body), received(body)
		with.MessageAttributes = map[string]events.SQSMessageAttribute{
			name: {DataType: dataType, StringValue: &text, BinaryValue: bytes, StringListValues: []string{text}, BinaryListValues: [][]byte{bytes}},
		}
		want, err := deadletter.OriginOf(plain)
		if err != nil {
			t.Fatal(err)
		}
		got, err := deadletter.OriginOf(with)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v; origin (-without +with the attribute):\n%s", err, diff)
		}
		if got.SentAt.After(sentAt) || got.SentAt.Before(sentAt.Add(-28*24*time.Hour)) {
			t.Errorf("%s was sent at %s", body, got.SentAt)
		}
	})
}
