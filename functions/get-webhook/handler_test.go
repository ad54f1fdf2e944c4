package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/apperr"
	"webhooks/shared/auth"
	"webhooks/shared/testkit/routetest"
	"webhooks/shared/webhook"
)

// setup returns the route of this function with the sample event.
func setup(t *testing.T) routetest.Route {
	t.Helper()
	return routetest.New(t, build, "get-webhook.json")
}

func TestTheSampleEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.Create(t, "demo")

	response := b.Invoke(t)
	want := fmt.Sprintf(`{"code":0,"message":"success","data":{"webhook_id":1,"name":"环境事件通知","url":"https://receiver.example/webhook",`+
		`"secret":"your-secret-key","events":["environment.created"],"enabled":true,"created_at":"%s"}}`, w.CreatedAt.Format(time.RFC3339))
	if response.Status != http.StatusOK || response.Body != want {
		t.Errorf("response %d %s\nwant     200 %s", response.Status, response.Body, want)
	}
}

func TestARateLimitIsShown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Create(t, "demo", func(w *webhook.Webhook) { w.RateLimit = 10 })
	if got := b.Invoke(t).Envelope(t).Data["rate_limit"]; got != 10.0 {
		t.Errorf("rate_limit = %v, want 10", got)
	}
}

func TestHealthIsShown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.Create(t, "demo")
	now := time.Now()
	if _, err := b.Webhooks.MarkSlow(t.Context(), w, now); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"state": "slow", "since": now.UTC().Format(time.RFC3339)}
	if d := cmp.Diff(want, b.Invoke(t).Envelope(t).Data["health"]); d != "" {
		t.Errorf("health (-want +got):\n%s", d)
	}
	begun := now.Add(-webhook.FailingFor)
	if _, err := b.Webhooks.AddFailures(t.Context(), w, webhook.OpenAfter, begun); err != nil {
		t.Fatal(err)
	}
	if opened, err := b.Webhooks.OpenBreaker(t.Context(), w, now); err != nil || !opened {
		t.Fatal(opened, err)
	}
	want["state"] = "open"
	if d := cmp.Diff(want, b.Invoke(t).Envelope(t).Data["health"]); d != "" {
		t.Errorf("health (-want +got):\n%s", d)
	}
}

// A caller that may only read must not cause the decryption of a secret.
func TestReadersDecryptNoSecret(t *testing.T) {
	t.Parallel()
	opens := func(scope auth.Scope) (opened bool) {
		h := handler{webhooks: getterFunc(func(withSecrets bool) { opened = withSecrets }), now: time.Now}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.SetPathValue("webhook_id", "1")
		if _, err := h.get(r, auth.Caller{TenantID: "demo", Scopes: []auth.Scope{auth.WebhooksRead, scope}}); err != nil {
			t.Fatal(err)
		}
		return opened
	}
	if opens(auth.LogsRead) || !opens(auth.WebhooksWrite) {
		t.Error("want the secret decrypted with webhooks:write only")
	}
}

// getterFunc is a store without webhooks. Each read calls it.
type getterFunc func(withSecrets bool)

func (f getterFunc) Get(context.Context, webhook.Key) (webhook.Webhook, error) {
	f(false)
	return webhook.Webhook{}, nil
}

func (f getterFunc) GetWithSecrets(context.Context, webhook.Key, time.Time) (webhook.Webhook, error) {
	f(true)
	return webhook.Webhook{}, nil
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Create(t, "globex")
	b.Create(t, "demo")
	if err := b.Webhooks.Delete(t.Context(), webhook.Key{TenantID: "demo", ID: 1}); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		id     string
		reason apperr.Reason
	}{
		{name: "deleted, but another tenant has the id", id: "1", reason: apperr.WebhookNotFound},
		{name: "unknown", id: "9223372036854775807", reason: apperr.WebhookNotFound},
		{name: "item 0", id: "0", reason: apperr.InvalidWebhookID},
		{name: "negative", id: "-1", reason: apperr.InvalidWebhookID},
		{name: "not a number", id: "abc", reason: apperr.InvalidWebhookID},
		{name: "leading zero", id: "01", reason: apperr.InvalidWebhookID},
		{name: "too large", id: "9223372036854775808", reason: apperr.InvalidWebhookID},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			routetest.WantRefused(t, b.At("/api/v1/webhooks/"+tt.id).Invoke(t), tt.reason)
		})
	}
}

func TestTheFieldsAreThoseOfTheContract(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Create(t, "demo")
	var envelope struct {
		Data map[string]json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal([]byte(b.Invoke(t).Body), &envelope); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for name := range envelope.Data {
		got[name] = true
	}
	want := map[string]bool{"webhook_id": true, "name": true, "url": true, "secret": true, "events": true, "enabled": true, "created_at": true}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}
