package webhook_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/event"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
)

func TestApply(t *testing.T) {
	t.Parallel()
	name, url, off, rate := "新", "https://other.example/", false, 0.5
	tests := []struct {
		name  string
		patch webhook.Patch
		want  func(*webhook.Webhook)
	}{
		{name: "nothing", patch: webhook.Patch{}, want: func(*webhook.Webhook) {}},
		{name: "name", patch: webhook.Patch{Name: &name}, want: func(w *webhook.Webhook) { w.Name = name }},
		{name: "url", patch: webhook.Patch{URL: &url}, want: func(w *webhook.Webhook) { w.URL = url }},
		{name: "enabled", patch: webhook.Patch{Enabled: &off}, want: func(w *webhook.Webhook) { w.Enabled = false }},
		{name: "rate limit", patch: webhook.Patch{RateLimit: &rate}, want: func(w *webhook.Webhook) { w.RateLimit = rate }},
		{
			name:  "events",
			patch: webhook.Patch{Events: []event.Type{event.AlertResolved}},
			want:  func(w *webhook.Webhook) { w.Events = []event.Type{event.AlertResolved} },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.patch.Apply(webhooktest.Webhook("acme"), time.Now())
			if d := cmp.Diff(webhooktest.Webhook("acme", tt.want), got); d != "" || err != nil {
				t.Errorf("%v, -want +got:\n%s", err, d)
			}
		})
	}
}

func TestApplyKeepsTheOldSecretForADay(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 26, 10, 0, 0, 500, time.UTC)
	day := time.Date(2026, 1, 27, 10, 0, 0, 0, time.UTC)
	earlier, expired := now.Add(time.Hour), now
	type previous = webhook.PreviousSecret
	tests := []struct {
		name string
		had  []previous
		set  string
		want []previous
	}{
		{name: "changed", set: "new-secret", want: []previous{{webhooktest.Secret, day}}},
		{name: "same secret changes nothing", had: []previous{{"older-secret", earlier}}, set: webhooktest.Secret, want: []previous{{"older-secret", earlier}}},
		{name: "newest first", had: []previous{{"older-secret", earlier}}, set: "new-secret", want: []previous{{webhooktest.Secret, day}, {"older-secret", earlier}}},
		{name: "expired secrets make room", had: []previous{{"older-secret", earlier}, {"oldest-secret", expired}}, set: "new-secret", want: []previous{{webhooktest.Secret, day}, {"older-secret", earlier}}},
		{name: "expired secrets are dropped", had: []previous{{"older-secret", expired}}, set: "new-secret", want: []previous{{webhooktest.Secret, day}}},
		{name: "previous secret becomes current again", had: []previous{{"older-secret", earlier}}, set: "older-secret", want: []previous{{webhooktest.Secret, day}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			before := webhooktest.Webhook("acme", func(w *webhook.Webhook) { w.PreviousSecrets = tt.had })
			patch := webhook.Patch{Secret: &tt.set}
			got, err := patch.Apply(before, now)
			if got.Secret != tt.set || err != nil {
				t.Errorf("secret = %q, %v, want %q", got.Secret, err, tt.set)
			}
			if d := cmp.Diff(tt.want, got.PreviousSecrets); d != "" {
				t.Errorf("previous secrets (-want +got):\n%s", d)
			}
			twice, err := patch.Apply(got, now)
			if d := cmp.Diff(got, twice); d != "" || err != nil {
				t.Errorf("applied twice: %v (-once +twice):\n%s", err, d)
			}
		})
	}
}
