package fanout_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/deadletter"
)

// attributes returns ten message attributes of every type, among them the names that
// dead letters have.
func attributes() map[string]events.SQSMessageAttribute {
	text := func(dataType, value string) events.SQSMessageAttribute {
		return events.SQSMessageAttribute{DataType: dataType, StringValue: &value}
	}
	return map[string]events.SQSMessageAttribute{
		"sent_at": text("Number", "4102444800000"), "event_id": text("String", "order-42"), "reason": text("String", "conflict"),
		"detail": text("String.custom", "x"), "tenant_id": text("String", "globex"), "altered": text("String", "cut"),
		"message_id": {DataType: "Binary", BinaryValue: []byte{0, 0xff}}, "event_type": {DataType: "Binary.gzip", BinaryValue: []byte("x")},
		"redrive": text("Number.int", "1"), "ERROR_CODE": text("String", "X"),
	}
}

// TestProducersAttributesMeanNothing: a producer may set any message attribute, for
// itself or because its library does.
func TestProducersAttributesMeanNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.subscribe(t, tenant)
	const plain = `{"type":"environment.created","tenant_id":"acme","data":%d}`
	batch := []events.SQSMessage{message("m1", fmt.Sprintf(plain, 1)), message("m2", fmt.Sprintf(plain, 2)), message("m3", fmt.Sprintf(plain, 3)), message("m4", `x`)}
	for i := range batch {
		batch[i].MessageAttributes = attributes()
	}
	date := "2026-01-26T10:00:00Z"
	batch[2].MessageAttributes = map[string]events.SQSMessageAttribute{"sent_at": {DataType: "String", StringValue: &date}}
	if got := b.handle(t, batch...); len(got) > 0 {
		t.Errorf("failed: %v", got)
	}
	for i, d := range b.queued(t) {
		if want := "evt_m" + strconv.Itoa(i+1); d.Event.ID != want || !d.Due.Equal(sentAt) {
			t.Errorf("delivery of %s due at %s, want %s and the time that SQS wrote", d.Event.ID, d.Due, want)
		}
	}
	b.wantLetters(t, deadLetter{Body: `x`, Reason: deadletter.NotJSON})
}

// TestMembersOfADetailMeanNothing: the detail of an event of the bus is data.
func TestMembersOfADetailMeanNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.subscribe(t, tenant)
	const detail = `{"tenant_id":"acme","id":"x","event_id":"order-42","sent_at":4102444800000,"reason":"conflict","redrive":1,"via":"http","type":"alert.resolved","time":"x","body":"{}"}`
	for n, id := range []string{"e1", "e2", "e1"} {
		d := detail
		if n == 2 {
			d = `{"tenant_id":"acme","via":"http"}`
		}
		b.handle(t, message("m"+strconv.Itoa(n), `{"id":"`+id+`","detail-type":"environment.created","time":"2026-01-26T09:00:00Z","detail":`+d+`}`))
	}
	got := b.queued(t)
	if len(got) != 2 || got[0].Event.ID != "e1" || got[1].Event.ID != "e2" || !got[0].Due.Equal(sentAt) {
		t.Fatalf("deliveries = %+v", got)
	}
	if want := `{"type":"environment.created","timestamp":"2026-01-26T09:00:00Z","data":` + detail + `}`; string(got[0].Body) != want {
		t.Errorf("body = %s, want %s", got[0].Body, want)
	}
	if letters := b.letters(t); len(letters) != 1 || letters[0].Reason != deadletter.Conflict {
		t.Errorf("dead letters = %+v, want the conflict", letters)
	}
}

// redriven returns a message as make redrive sends it, sent first before sentAt.
func redriven(t *testing.T, id, eventID, body string, before time.Duration) events.SQSMessage {
	t.Helper()
	quoted, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return message(id, fmt.Sprintf(`{"redrive":1,"event_id":%q,"sent_at":%d,"body":%s}`, eventID, sentAt.Add(-before).UnixMilli(), quoted))
}

// TestRedrivenEventKeepsItsIDAndBytes: the message of a redrive is new to SQS.
func TestRedrivenEventKeepsItsIDAndBytes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.subscribe(t, tenant)
	const plain = `{ "type":"environment.created","tenant_id":"acme","data": {"a":"\u00e9\/ \"好😀\""} }`
	b.handle(t, message("m1", plain))
	first := b.queued(t)
	sent := sentAt.Add(time.Hour)
	again := redriven(t, "m2", "evt_m1", plain, 0)
	again.Attributes["SentTimestamp"] = strconv.FormatInt(sent.UnixMilli(), 10)
	b.handle(t, again)
	if got := b.queued(t); len(got) != 0 {
		t.Errorf("the redriven event is delivered again: %+v", got)
	}
	// A producer that writes the same form gets no more than with an event of its own.
	for name, eventID := range map[string]string{"invalid": "a.b", "none": ""} {
		b.handle(t, redriven(t, "m-"+name, eventID, plain, 3*time.Hour))
		got := b.queued(t)
		if len(got) != 1 || got[0].Event.ID != "evt_m-"+name || !got[0].Due.Equal(sentAt.Add(-3*time.Hour)) {
			t.Errorf("%s id: deliveries = %+v", name, got)
		}
	}
	if want := `{"type":"environment.created","timestamp":"2026-01-26T10:00:00.007Z","data":{"a":"\u00e9\/ \"好😀\""}}`; len(first) != 1 || string(first[0].Body) != want {
		t.Errorf("deliveries = %+v, want the body %s", first, want)
	}
}

// TestRedrivenLetterIsTheOriginalMessage: a redriven event that is refused again
// becomes the same letter.
func TestRedrivenLetterIsTheOriginalMessage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const body = `{"id":"e1","type":"no.such","tenant_id":"acme","data":"\"\u0000"}`
	inner := redriven(t, "m2", "e1", redriven(t, "m1", "e1", body, time.Hour).Body, 0)
	if got := b.handle(t, redriven(t, "m3", "e1", body, time.Hour), inner); len(got) > 0 {
		t.Errorf("failed: %v", got)
	}
	b.wantLetters(t,
		deadLetter{Body: body, Reason: deadletter.UnknownType, EventID: "e1"},
		// Only one redrive is undone: its body is not an event.
		deadLetter{Body: redriven(t, "m1", "e1", body, time.Hour).Body, Reason: deadletter.UnknownField, EventID: "e1"},
	)
}
