package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/apperr"
	"webhooks/shared/cloudtest"
	"webhooks/shared/httpapi"
	"webhooks/shared/vault"
	"webhooks/shared/webhook"
	"webhooks/shared/webhookdb"
	"webhooks/shared/webhooktest"
)

// bundle is the function on a table and a key of its own, with a webhook.
type bundle struct {
	function httpapi.Function
	store    *webhookdb.Store
	request  events.APIGatewayV2HTTPRequest
	webhook  webhook.Webhook
}

func setup(t *testing.T) bundle {
	t.Helper()
	table, key := cloudtest.Table(t, "WebhooksTable"), cloudtest.Key(t)
	getenv := cloudtest.Getenv(t, map[string]string{"WEBHOOKS_TABLE": table, "SECRETS_KEY_ARN": key})
	function, err := build(t.Context(), slog.New(slog.DiscardHandler), getenv)
	if err != nil {
		t.Fatal(err)
	}
	cfg := cloudtest.Config(t)
	store := webhookdb.New(dynamodb.NewFromConfig(cfg), table, webhookdb.WithVault(vault.FromConfig(cfg, key)))
	w, err := store.Create(t.Context(), webhooktest.Webhook("demo"))
	if err != nil {
		t.Fatal(err)
	}
	return bundle{function, store, cloudtest.Request(t, "rotate-secret.json"), w}
}

func (b bundle) rotate(t *testing.T, body string) cloudtest.Answer {
	t.Helper()
	b.request.Body = body
	return cloudtest.Invoke(t, b.function, b.request)
}

func (b bundle) stored(t *testing.T) webhook.Webhook {
	t.Helper()
	w, err := b.store.GetWithSecrets(t.Context(), b.webhook.Key())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestTheSampleEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	answer := cloudtest.Invoke(t, b.function, b.request)

	got := b.stored(t)
	if len(got.PreviousSecrets) != 1 || got.Secret == webhooktest.Secret || got.PreviousSecrets[0].Secret != webhooktest.Secret {
		t.Fatalf("secret %q and %v before it", got.Secret, got.PreviousSecrets)
	}
	ends := got.PreviousSecrets[0].ExpiresAt
	want := fmt.Sprintf(`{"code":0,"message":"密钥已轮换","data":{"webhook_id":1,"secret":"%s","previous_secret_expires_at":"%s"}}`,
		got.Secret, ends.Format(time.RFC3339))
	if answer.Status != http.StatusOK || answer.Body != want {
		t.Errorf("answer %d %s\nwant   200 %s", answer.Status, answer.Body, want)
	}
	if overlap := time.Until(ends); overlap > 48*time.Hour || overlap < 47*time.Hour {
		t.Errorf("the old secret signs for %v, want two days", overlap)
	}
	b.webhook.Secret, b.webhook.PreviousSecrets, b.webhook.Revision, b.webhook.UpdatedAt = got.Secret, got.PreviousSecrets, 2, got.UpdatedAt
	if d := cmp.Diff(b.webhook, got); d != "" {
		t.Errorf("nothing else may change (-want +got):\n%s", d)
	}
}

func TestOverlap(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		body string
		days float64
	}{
		{name: "without a body", body: "", days: 1},
		{name: "without a number", body: "{}", days: 1},
		{name: "at once", body: `{"overlap_days":0}`, days: 0},
		{name: "a week", body: `{"overlap_days":7}`, days: 7},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			data := b.rotate(t, tt.body).Envelope(t).Data
			got := b.stored(t)
			if data["secret"] != got.Secret {
				t.Errorf("shown %v, stored %q", data["secret"], got.Secret)
			}
			now := got.UpdatedAt.Add(time.Minute)
			signing := func(after time.Duration) int {
				keys, err := got.Keys(now.Add(after))
				if err != nil {
					t.Fatal(err)
				}
				return len(keys)
			}
			if tt.days == 0 {
				if _, shown := data["previous_secret_expires_at"]; shown || signing(0) != 1 {
					t.Errorf("%d secrets sign, answer %v, want the new one alone", signing(0), data)
				}
				return
			}
			end := time.Duration(tt.days * float64(24*time.Hour))
			if signing(0) != 2 || signing(end-time.Hour) != 2 || signing(end) != 1 {
				t.Errorf("the old secret signs until %v", got.PreviousSecrets)
			}
		})
	}
}

func TestThreeRotationsKeepTwoOldSecrets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var shown []any
	for range 3 {
		shown = append(shown, b.rotate(t, `{"overlap_days":7}`).Envelope(t).Data["secret"])
	}
	got := b.stored(t)
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
	b := setup(t)
	tests := []struct {
		name   string
		body   string
		reason apperr.Reason
		fields []string
	}{
		{name: "eight days", body: `{"overlap_days":8}`, reason: apperr.InvalidFields, fields: []string{"overlap_days"}},
		{name: "less than none", body: `{"overlap_days":-1}`, reason: apperr.InvalidFields, fields: []string{"overlap_days"}},
		{name: "another field", body: `{"days":1}`, reason: apperr.InvalidFields, fields: []string{"days"}},
		{name: "no JSON", body: `1 day`, reason: apperr.InvalidJSON},
	}
	for _, tt := range tests {
		answer := b.rotate(t, tt.body)
		if got := answer.Envelope(t).Code; got != int(tt.reason) || answer.Status != http.StatusBadRequest {
			t.Errorf("%s: answer %d, code %d, want code %d", tt.name, answer.Status, got, tt.reason)
		}
		if d := cmp.Diff(tt.fields, answer.Refused(t)); d != "" {
			t.Errorf("%s: fields (-want +got):\n%s", tt.name, d)
		}
	}
	if d := cmp.Diff(b.webhook, b.stored(t)); d != "" {
		t.Errorf("a refused rotation changed something (-want +got):\n%s", d)
	}
}

func TestWhoMayNotRotate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for tenant, scopes := range map[string]string{"demo": "webhooks:read webhooks:test", "globex": "webhooks:write"} {
		b.request.RequestContext.Authorizer.Lambda = map[string]any{"tenant_id": tenant, "scopes": scopes}
		want := map[string]int{"demo": http.StatusForbidden, "globex": http.StatusNotFound}[tenant]
		if answer := cloudtest.Invoke(t, b.function, b.request); answer.Status != want {
			t.Errorf("%s with %s: answer %d %s, want %d", tenant, scopes, answer.Status, answer.Body, want)
		}
	}
	if d := cmp.Diff(b.webhook, b.stored(t)); d != "" {
		t.Errorf("it changed (-want +got):\n%s", d)
	}
}

func TestWithoutItsKeyItDoesNotStart(t *testing.T) {
	t.Parallel()
	getenv := cloudtest.Getenv(t, map[string]string{"WEBHOOKS_TABLE": "table"})
	if _, err := build(t.Context(), slog.New(slog.DiscardHandler), getenv); err == nil {
		t.Error("built without SECRETS_KEY_ARN: a template without it would store secrets in the clear")
	}
}
