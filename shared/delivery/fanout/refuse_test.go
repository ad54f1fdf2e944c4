package fanout_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"webhooks/shared/deadletter"
	"webhooks/shared/event"
)

// ignoreDetail ignores the details of dead letters in a comparison.
var ignoreDetail = cmpopts.IgnoreFields(deadLetter{}, "Detail")

// wantLetters checks the dead letters. Every detail must be a sentence.
func (b bundle) wantLetters(t *testing.T, want ...deadLetter) {
	t.Helper()
	got := b.letters(t)
	if diff := cmp.Diff(want, got, ignoreDetail, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("dead letters (-want +got):\n%s", diff)
	}
	for _, l := range got {
		if !strings.Contains(l.Detail, " ") {
			t.Errorf("%s: the detail %q is not a sentence", l.Reason, l.Detail)
		}
	}
}

func TestHandleRefusesInvalidMessages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.subscribe(t, tenant)
	want := []deadLetter{ // sorted by body
		{Body: `{ "id" : "e1", "type":"no.such","tenant_id":"acme","data":1.00 }`, Reason: deadletter.UnknownType, EventID: "e1"},
		{Body: `{"id":"e2","type":"environment.created","tenant_id":"acme","data":1,"data":2}`, Reason: deadletter.NotJSON, EventID: "e2"},
		{Body: `{"id":"e3","type":"environment.created","tenant_id":"acme","detail-type":"environment.created","data":1}`, Reason: deadletter.Ambiguous, EventID: "e3"},
		{Body: `{"id":"e4","type":"environment.created","data":1}`, Reason: deadletter.MissingField, EventID: "e4"},
		{Body: `{"id":"e5","type":"environment.created","tenant_id":"acme","data":"` + strings.Repeat("x", event.MaxData) + `"}`, Reason: deadletter.DataTooLarge, EventID: "e5"},
		{Body: `{"id":"e6","type":"webhook.test","tenant_id":"acme","data":1}`, Reason: deadletter.UnknownType, EventID: "e6"},
		{Body: "绝不是 JSON\n", Reason: deadletter.NotJSON},
	}
	batch := []events.SQSMessage{message("good", created(tenant, "good", `1`))}
	for _, l := range want {
		batch = append(batch, message(string(l.Reason)+l.EventID, l.Body))
	}
	if got := b.handle(t, batch...); len(got) > 0 {
		t.Errorf("failed: %v", got)
	}
	b.wantLetters(t, want...)
	if got := b.queued(t); len(got) != 1 || got[0].Event.ID != "good" {
		t.Errorf("deliveries = %v, want only the good event's", got)
	}
}

func TestHandleRefusesNearlyExhaustedMessages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.subscribe(t, tenant)
	exhausted := received(message("m1", created(tenant, "e1", `1`)), maxReceiveCount-1)
	last := received(message("m2", created(tenant, "e2", `1`)), maxReceiveCount)
	poison := received(message("m3", `x`), maxReceiveCount-1)
	try := received(message("m4", created(tenant, "e4", `1`)), maxReceiveCount-2)
	if got := b.handle(t, exhausted, last, poison, try); len(got) > 0 {
		t.Errorf("failed: %v", got)
	}
	b.wantLetters(t,
		deadLetter{Body: poison.Body, Reason: deadletter.NotJSON},
		deadLetter{Body: exhausted.Body, Reason: deadletter.TooManyReceives, EventID: "e1"},
		deadLetter{Body: last.Body, Reason: deadletter.TooManyReceives, EventID: "e2"},
	)
	if got := b.queued(t); len(got) != 1 || got[0].Event.ID != "e4" {
		t.Errorf("deliveries = %v, want only that of e4", got)
	}
	// The event was not stored, so a redrive delivers it.
	b.handle(t, message("redriven", exhausted.Body))
	if got := b.queued(t); len(got) != 1 || got[0].Event.ID != "e1" {
		t.Errorf("deliveries after the redrive = %v", got)
	}
}

func TestHandleFailsMessagesWithoutAttributes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.subscribe(t, tenant)
	untimed, uncounted := message("untimed", created(tenant, "e1", `1`)), message("uncounted", created(tenant, "e2", `1`))
	delete(untimed.Attributes, "SentTimestamp")
	delete(uncounted.Attributes, "ApproximateReceiveCount")
	bare := events.SQSMessage{MessageId: "bare"}
	if diff := cmp.Diff([]string{"untimed", "uncounted", "bare"}, b.handle(t, untimed, uncounted, bare, message("good", created(tenant, "e3", `1`)))); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
	if got := b.queued(t); len(got) != 1 || got[0].Event.ID != "e3" {
		t.Errorf("deliveries = %v, want only the good event's", got)
	}
}

func TestHandleConflict(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.subscribe(t, tenant)
	b.handle(t, message("m1", created(tenant, "e1", `1`)))
	want := createdDelivery(t, tenant, "e1", `1`, id)
	if diff := cmp.Diff(want.Body, b.queued(t)[0].Body); diff != "" {
		t.Fatal(diff)
	}
	later := created(tenant, "e1", `2`)
	batch := []events.SQSMessage{
		message("m2", later),
		message("m3", created(tenant, "e2", `1`)),
		message("m4", created(tenant, "e2", `2`)), // a conflict within the batch
	}
	if got := b.handle(t, batch...); len(got) > 0 {
		t.Errorf("failed: %v", got)
	}
	b.wantLetters(t,
		deadLetter{Body: later, Reason: deadletter.Conflict, EventID: "e1"},
		deadLetter{Body: batch[2].Body, Reason: deadletter.Conflict, EventID: "e2"},
	)
	if got := b.queued(t); len(got) != 1 || string(got[0].Body) != string(createdDelivery(t, tenant, "e2", `1`, id).Body) {
		t.Errorf("deliveries = %v, want only the first of e2", got)
	}
	b.wantStored(t, want)
}
