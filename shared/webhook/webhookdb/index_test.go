package webhookdb_test

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"webhooks/shared/apperr"
	"webhooks/shared/event"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
)

// After any sequence of writes the index has the masks of the tenant's webhooks,
// and the count is their number. The fan-out reads the index only.
func TestIndexAndCountMatchTheWebhooks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var tenants atomic.Int64
	rapid.Check(t, func(r *rapid.T) {
		own := fmt.Sprint("tenant-", tenants.Add(1))
		check := func(err error) {
			if err != nil && !apperr.Is(err, apperr.WebhookNotFound) {
				r.Fatal(err)
			}
		}
		for range rapid.IntRange(1, 6).Draw(r, "steps") {
			types := rapid.SliceOfNDistinct(rapid.SampledFrom(event.Types()), 1, 3, rapid.ID).Draw(r, "events")
			enabled := rapid.Bool().Draw(r, "enabled")
			key := webhook.Key{TenantID: own, ID: rapid.Int64Range(1, 3).Draw(r, "id")}
			change := func(w webhook.Webhook) (webhook.Webhook, error) {
				w.Events, w.Enabled = types, enabled
				return w, nil
			}
			switch rapid.SampledFrom([]string{"create", "update", "disable", "delete"}).Draw(r, "step") {
			case "create":
				w, _ := change(webhooktest.Webhook(own))
				_, err := b.Create(t.Context(), w, b.now)
				check(err)
			case "update":
				_, err := b.Update(t.Context(), key, b.now, change)
				check(err)
			case "disable":
				_, err := b.Disable(t.Context(), key, 1, b.now)
				check(err)
			case "delete":
				check(b.Delete(t.Context(), key))
			}
		}
		list, err := b.List(t.Context(), own)
		check(err)
		indexes, err := webhooktest.Indexes(t.Context(), b.client, b.Store, own)
		check(err)
		want := webhook.Index{}
		for _, w := range list {
			want[w.ID] = w.Mask()
		}
		if d := diff(want, indexes[own]); d != "" {
			r.Errorf("index (-want +got):\n%s", d)
		}
		if got := b.count(t, own); got != strconv.Itoa(len(list)) {
			r.Errorf("count = %s, want %d", got, len(list))
		}
	})
}
