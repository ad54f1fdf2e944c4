package fanout_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/delivery"
	"webhooks/shared/event"
	"webhooks/shared/event/eventdb"
	"webhooks/shared/webhook"
)

func TestHandlePlainEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, second := b.subscribe(t, tenant), b.subscribe(t, tenant)
	const data = "{ \"z\" : 1.0000000000000000000001,\t\"a\":\"\\u00e9<\\/\" , \"c\":\"好😀\" }"
	if got := b.handle(t, message("m1", created(tenant, "e1", data))); len(got) > 0 {
		t.Errorf("failed: %v", got)
	}
	want := []delivery.Delivery{createdDelivery(t, tenant, "e1", data, first), createdDelivery(t, tenant, "e1", data, second)}
	if diff := cmp.Diff(want, b.queued(t)); diff != "" {
		t.Errorf("deliveries (-want +got):\n%s", diff)
	}
	b.wantStored(t, want[0])
}

// wantStored checks that the event of d is stored.
func (b bundle) wantStored(t *testing.T, d delivery.Delivery) {
	t.Helper()
	stored, failed := b.events.GetHashes(t.Context(), []event.Key{d.Event}, now)
	if len(failed) > 0 || stored[d.Event] != d.Hash {
		t.Errorf("stored = %v, %v, want the hash of %s", stored, failed, d.Event.ID)
	}
}

func TestHandleEventBridgeEnvelope(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.subscribe(t, tenant, func(w *webhook.Webhook) { w.Events = []event.Type{event.TrainingFailed} })
	b.handle(t, message("m1", `{"version":"0","id":"6a7e8feb-b491-4cf7-a9f1-bf3703467718","detail-type":"training.failed","source":"x","account":"1","time":"2026-01-26T09:00:00Z","region":"us-east-1","resources":[],"detail":{"tenant_id":"acme","job":9}}`))
	got := b.queued(t)
	if len(got) != 1 || got[0].Webhook.ID != id || got[0].Event.ID != "6a7e8feb-b491-4cf7-a9f1-bf3703467718" || !got[0].Due.Equal(sentAt) {
		t.Fatalf("deliveries = %+v", got)
	}
	const want = `{"type":"training.failed","timestamp":"2026-01-26T09:00:00Z","data":{"tenant_id":"acme","job":9}}`
	if diff := cmp.Diff(want, string(got[0].Body)); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

func TestHandleAddsMissingIDAndTimestamp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.subscribe(t, tenant)
	m := message("0b2d1c3e-7a5b", `{"type":"environment.created","tenant_id":"acme","data":1}`)
	b.handle(t, m)
	b.handle(t, received(m, 2))
	got := b.queued(t)
	if len(got) != 1 || got[0].Event.ID != "evt_0b2d1c3e-7a5b" ||
		string(got[0].Body) != `{"type":"environment.created","timestamp":"2026-01-26T10:00:00.007Z","data":1}` {
		t.Errorf("deliveries = %+v, want one with the id and the time of the message", got)
	}
}

func TestHandleMatches(t *testing.T) {
	t.Parallel()
	b := setup(t)
	wanted := b.subscribe(t, tenant, func(w *webhook.Webhook) { w.Events = event.Types() })
	b.subscribe(t, tenant, func(w *webhook.Webhook) { w.Enabled = false })
	b.subscribe(t, tenant, func(w *webhook.Webhook) { w.Events = []event.Type{event.EnvironmentDeleted, event.AlertResolved} })
	deleted := b.subscribe(t, tenant)
	if err := b.webhooks.Delete(t.Context(), webhook.Key{TenantID: tenant, ID: deleted}); err != nil {
		t.Fatal(err)
	}
	foreign := b.subscribe(t, "globex")
	b.handle(t,
		message("m1", created(tenant, "e1", `1`)),
		message("m2", created("globex", "e1", `2`)), // another tenant's event with the same id
		message("m3", created("nobody", "e1", `3`)),
	)
	want := []delivery.Delivery{createdDelivery(t, tenant, "e1", `1`, wanted), createdDelivery(t, "globex", "e1", `2`, foreign)}
	if diff := cmp.Diff(want, b.queued(t)); diff != "" {
		t.Errorf("deliveries (-want +got):\n%s", diff)
	}
	// An event without a match is stored too. Otherwise a duplicate would be delivered
	// after somebody has subscribed.
	b.wantStored(t, createdDelivery(t, "nobody", "e1", `3`, 1))
}

func TestHandleLargeBodyByReference(t *testing.T) {
	t.Parallel()
	const around = len(`{"type":"environment.created","timestamp":"2026-01-26T10:00:00+08:00","data":""}`)
	for name, tt := range map[string]struct {
		size       int
		referenced bool
	}{
		"largest embedded body": {size: eventdb.InlineBody - around},
		"one byte more":         {size: eventdb.InlineBody - around + 1, referenced: true},
		"largest body":          {size: event.MaxData - 2, referenced: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.subscribe(t, tenant)
			data := `"` + strings.Repeat("x", tt.size) + `"`
			if got := b.handle(t, message("m1", created(tenant, "e1", data))); len(got) > 0 {
				t.Fatalf("failed: %v", got)
			}
			want := createdDelivery(t, tenant, "e1", data, id)
			got := b.queued(t)
			if len(got) != 1 || (got[0].Body == nil) != tt.referenced {
				t.Fatalf("%d deliveries, want one without its body: %v", len(got), tt.referenced)
			}
			// Retries read the body from the table in both cases.
			if body, err := b.events.GetBody(t.Context(), got[0].Event, got[0].Hash); err != nil || string(body) != string(want.Body) {
				t.Errorf("the stored body has %d bytes, %v, want %d", len(body), err, len(want.Body))
			}
		})
	}
}

func TestResponseIsNeverNull(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, records := range map[string][]events.SQSMessage{
		"nothing": nil,
		"success": {message("m1", created(tenant, "e1", `1`))},
		"refusal": {message("m2", `x`)},
	} {
		response, err := b.Handle(t.Context(), events.SQSEvent{Records: records})
		if err != nil {
			t.Fatal(err)
		}
		// The local cloud treats null as a failure of the whole batch.
		if text, err := json.Marshal(response); err != nil || string(text) != `{"batchItemFailures":[]}` {
			t.Errorf("%s: response = %s, %v", name, text, err)
		}
	}
}
