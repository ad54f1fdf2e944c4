package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/apperr"
	"webhooks/shared/testkit/routetest"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
)

// setup returns the route of this function with the sample event, and the webhook
// whose secret the sample rotates.
func setup(t *testing.T) (routetest.Route, webhook.Webhook) {
	t.Helper()
	b := routetest.New(t, build, "rotate-secret.json")
	return b, b.Create(t, "demo")
}

func TestTheSampleEvent(t *testing.T) {
	t.Parallel()
	b, w := setup(t)
	response := b.Invoke(t)

	got := b.Stored(t, w.Key())
	if len(got.PreviousSecrets) != 1 || got.Secret == webhooktest.Secret || got.PreviousSecrets[0].Secret != webhooktest.Secret {
		t.Fatalf("secret %q, previous secrets %v, want a new secret and the replaced one", got.Secret, got.PreviousSecrets)
	}
	ends := got.PreviousSecrets[0].ExpiresAt
	want := fmt.Sprintf(`{"code":0,"message":"密钥已轮换","data":{"webhook_id":1,"secret":"%s","previous_secret_expires_at":"%s"}}`,
		got.Secret, ends.Format(time.RFC3339))
	if response.Status != http.StatusOK || response.Body != want {
		t.Errorf("response %d %s\nwant     200 %s", response.Status, response.Body, want)
	}
	if overlap := time.Until(ends); overlap > 48*time.Hour || overlap < 47*time.Hour {
		t.Errorf("the replaced secret signs for %v, want two days", overlap)
	}
	w.Secret, w.PreviousSecrets, w.Revision, w.UpdatedAt = got.Secret, got.PreviousSecrets, 2, got.UpdatedAt
	if d := cmp.Diff(w, got); d != "" {
		t.Errorf("stored webhook (-want +got):\n%s", d)
	}
}

func TestOverlap(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		body string
		days float64
	}{
		{name: "empty body", body: "", days: 1},
		{name: "without overlap_days", body: "{}", days: 1},
		{name: "no overlap", body: `{"overlap_days":0}`, days: 0},
		{name: "a week", body: `{"overlap_days":7}`, days: 7},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, w := setup(t)
			data := b.Send(t, tt.body).Envelope(t).Data
			got := b.Stored(t, w.Key())
			if data["secret"] != got.Secret {
				t.Errorf("shown %v, stored %q", data["secret"], got.Secret)
			}
			now := got.UpdatedAt.Add(time.Minute)
			signing := func(after time.Duration) int {
				keys, err := got.SigningKeys(now.Add(after))
				if err != nil {
					t.Fatal(err)
				}
				return len(keys)
			}
			if tt.days == 0 {
				if _, shown := data["previous_secret_expires_at"]; shown || signing(0) != 1 {
					t.Errorf("%d secrets sign, response %v, want only the new one", signing(0), data)
				}
				return
			}
			end := time.Duration(tt.days * float64(24*time.Hour))
			if signing(0) != 2 || signing(end-time.Hour) != 2 || signing(end) != 1 {
				t.Errorf("previous secrets %v, want the replaced one to sign for %v", got.PreviousSecrets, end)
			}
		})
	}
}

func TestAThirdRotationWithinTheOverlapIsRefused(t *testing.T) {
	t.Parallel()
	b, w := setup(t)
	shown := []any{w.Secret}
	for range 2 {
		shown = append(shown, b.Send(t, `{"overlap_days":7}`).Envelope(t).Data["secret"])
	}
	routetest.WantRefused(t, b.Send(t, `{"overlap_days":1}`), apperr.TooManySecrets)
	got := b.Stored(t, w.Key())
	var kept []any
	for _, p := range got.PreviousSecrets {
		kept = append(kept, p.Secret)
	}
	if d := cmp.Diff([]any{shown[1], shown[0]}, kept); d != "" || got.Secret != shown[2] {
		t.Errorf("current %q; previous (-want +got):\n%s", got.Secret, d)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	b, w := setup(t)
	tests := []struct {
		name   string
		body   string
		reason apperr.Reason
		fields []string
	}{
		{name: "eight days", body: `{"overlap_days":8}`, reason: apperr.InvalidFields, fields: []string{"overlap_days"}},
		{name: "negative", body: `{"overlap_days":-1}`, reason: apperr.InvalidFields, fields: []string{"overlap_days"}},
		{name: "unknown field", body: `{"days":1}`, reason: apperr.InvalidFields, fields: []string{"days"}},
		{name: "not JSON", body: `1 day`, reason: apperr.InvalidJSON},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			routetest.WantRefused(t, b.Send(t, tt.body), tt.reason, tt.fields...)
		})
	}
	if d := cmp.Diff(w, b.Stored(t, w.Key())); d != "" {
		t.Errorf("a refused rotation changed something (-want +got):\n%s", d)
	}
}
