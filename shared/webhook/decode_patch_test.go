package webhook_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/apperr"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
)

func TestDecodePatch(t *testing.T) {
	t.Parallel()
	got, err := webhook.DecodePatch([]byte(`{"name": "环境事件通知（更新）", "enabled": false}`), 7, urls(t))
	if err != nil {
		t.Fatal(err)
	}
	name, enabled := "环境事件通知（更新）", false
	if d := cmp.Diff(webhook.Patch{Name: &name, Enabled: &enabled}, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestDecodePatchWithoutChanges(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `{"webhook_id": 7}`, `{"created_at": "2026-01-26T10:00:00Z", "webhook_id": 7.0}`, `{"health": {"state": "open"}}`} {
		if _, err := webhook.DecodePatch([]byte(body), 7, urls(t)); !apperr.Is(err, apperr.NothingToUpdate) {
			t.Errorf("%s: error = %v, want nothing to update", body, err)
		}
	}
}

// A PUT must accept every field that a GET shows, including future ones.
func TestDecodePatchAcceptsTheResponseOfGet(t *testing.T) {
	t.Parallel()
	w := webhooktest.Webhook("acme", func(w *webhook.Webhook) { w.RateLimit = 12.5 })
	view := w.View()
	view.WebhookID, view.Secret = 7, w.Secret
	view.Health = &webhook.State{State: "open", Since: w.CreatedAt}
	text, err := json.Marshal(view)
	if err != nil {
		t.Fatal(err)
	}
	patch, err := webhook.DecodePatch(text, 7, urls(t))
	if err != nil {
		t.Fatal(err)
	}
	after, err := patch.Apply(w, w.CreatedAt)
	if d := cmp.Diff(w, after); d != "" || err != nil {
		t.Errorf("the webhook sent back changed: %v (-want +got):\n%s", err, d)
	}
}

// TestDecodePatchRefusesAnotherWebhooksID: whoever sends another webhook's fields to
// this path has made a mistake, which must not pass in silence.
func TestDecodePatchRefusesAnotherWebhooksID(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`5`, `"7"`, `null`, `7.5`, `-7`, `{"id": 7}`, `70`} {
		_, err := webhook.DecodePatch([]byte(`{"enabled": true, "webhook_id": `+value+`}`), 7, urls(t))
		want := []string{"webhook_id: must be the id of the path; leave the field out otherwise"}
		if d := cmp.Diff(want, refusals(t, err)); d != "" {
			t.Errorf("%s (-want +got):\n%s", value, d)
		}
	}
}
