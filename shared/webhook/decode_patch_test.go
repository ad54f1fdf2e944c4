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
	got, err := webhook.DecodePatch([]byte(`{"name": "环境事件通知（更新）", "enabled": false}`), urls(t))
	if err != nil {
		t.Fatal(err)
	}
	name, enabled := "环境事件通知（更新）", false
	if d := cmp.Diff(webhook.Patch{Name: &name, Enabled: &enabled}, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestDecodePatchOfNothing(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `{"webhook_id": 1}`, `{"created_at": "2026-01-26T10:00:00Z", "webhook_id": null}`, `{"health": {"state": "open"}}`} {
		if _, err := webhook.DecodePatch([]byte(body), urls(t)); !apperr.Is(err, apperr.NothingToUpdate) {
			t.Errorf("%s: error = %v, want nothing to update", body, err)
		}
	}
}

// What GET shows can be sent back, whatever fields it will show some day.
func TestDecodePatchTakesWhatGetShows(t *testing.T) {
	t.Parallel()
	w := webhooktest.Webhook("acme")
	view := w.View()
	view.WebhookID, view.Secret = 7, w.Secret
	view.Health = &webhook.State{State: "open", Since: w.CreatedAt}
	text, err := json.Marshal(view)
	if err != nil {
		t.Fatal(err)
	}
	patch, err := webhook.DecodePatch(text, urls(t))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(w, patch.Apply(w, w.CreatedAt)); d != "" {
		t.Errorf("sent back, it changed (-want +got):\n%s", d)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(body(nil))
	f.Add([]byte(`{"name": null, "events": [1], "": {}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := webhook.DecodeRegistration(text, urls(t))
		if err != nil {
			if reason := apperr.From(err).Reason; reason != apperr.InvalidJSON && reason != apperr.InvalidFields {
				t.Errorf("error = %v", err)
			}
			return
		}
		if _, err := n.Webhook("acme").SigningKeys(n.Webhook("acme").CreatedAt); err != nil || len(n.Events) == 0 || n.Name == "" || n.URL == "" {
			t.Errorf("accepted %+v, %v", n, err)
		}
	})
}
