package crash_test

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"webhooks/shared/aws/queue"
	"webhooks/shared/event"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
)

// begin creates the webhook whose breaker is open, publishes the events and sets
// the faults.
func (w *walk) begin(tenant, url string) {
	w.waiting, w.taken = make(map[string][]*message), make(map[string]*takenMessage)
	w.begun, w.path = w.now, "gone"
	if w.staysOpen {
		w.path = "shut"
	}
	held, err := w.webhooks.Create(w.t.Context(), webhooktest.Webhook(w.name, func(h *webhook.Webhook) {
		h.URL, h.Events = url+"/"+w.path, []event.Type{event.TrainingFailed}
	}), time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	w.held = held.Key()
	w.open(w.held)
	w.fillSlots(webhook.Key{TenantID: tenant, ID: flaky})
	for i, body := range []string{
		published(tenant, w.name+"-small", "environment.created", `1`),
		published(tenant, w.name+"-large", "environment.created", strconv.Quote(strings.Repeat("x", 40_000))),
		published(w.name, w.name+"-held", "training.failed", `1`),
		published(tenant, w.name+"-poison", "no.such.type", `1`),
		published(tenant, w.name+"-small", "environment.created", `2`),
	} {
		w.waiting[eventsQueue] = append(w.waiting[eventsQueue], &message{
			id: w.name + strconv.Itoa(i), body: body, attributes: map[string]string{}, sentAt: w.now, visibleAt: w.now,
		})
	}
	w.faults.Set(w.intercept)
}

// open opens the breaker of a webhook. The delivery is held back first, and is then
// the probe. If the breaker stays open for days, it is the last attempt instead.
func (w *walk) open(key webhook.Key) {
	const enough = 100
	since := w.now.Add(-time.Hour)
	failing, err := w.webhooks.Get(w.t.Context(), key)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.webhooks.AddFailures(w.t.Context(), failing, enough, since); err != nil {
		w.t.Fatal(err)
	}
	at := w.now
	if w.staysOpen {
		at = at.AddDate(0, 0, 7)
	}
	if opened, err := w.webhooks.OpenBreaker(w.t.Context(), failing, at); err != nil || !opened {
		w.t.Fatalf("open the breaker: %t, %v", opened, err)
	}
}

// fillSlots reserves the slots of a webhook with a rate limit for the next 15 minutes. Its
// first delivery then waits in the queue, and its second one in the retries table.
func (w *walk) fillSlots(key webhook.Key) {
	limited, err := w.webhooks.Get(w.t.Context(), key)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.webhooks.ReserveSlots(w.t.Context(), limited, int(queue.MaxDelay.Seconds()*limited.RateLimit), w.now); err != nil {
		w.t.Fatal(err)
	}
}

// published returns the message of an event.
func published(tenant, id, kind, data string) string {
	return fmt.Sprintf(`{"id":%q,"type":%q,"tenant_id":%q,"data":%s}`, id, kind, tenant, data)
}
