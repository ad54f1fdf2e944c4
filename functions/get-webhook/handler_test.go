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
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/routetest"
	"webhooks/shared/webhook"
)

func TestTheSampleEvent(t *testing.T) {
	t.Parallel()
	b := routetest.New(t, build, "get-webhook.json", nil)
	w := b.Create(t, "demo")

	answer := b.Invoke(t)
	want := fmt.Sprintf(`{"code":0,"message":"success","data":{"webhook_id":1,"name":"环境事件通知","url":"https://receiver.example/webhook",`+
		`"secret":"your-secret-key","events":["environment.created"],"enabled":true,"created_at":"%s"}}`, w.CreatedAt.Format(time.RFC3339))
	if answer.Status != http.StatusOK || answer.Body != want {
		t.Errorf("answer %d %s\nwant   200 %s", answer.Status, answer.Body, want)
	}
}

func TestReadingAloneDoesNotShowTheSecret(t *testing.T) {
	t.Parallel()
	b := routetest.New(t, build, "get-webhook.json", nil)
	b.Create(t, "demo")
	b.Request.RequestContext.Authorizer.Lambda["scopes"] = "webhooks:read"

	data := b.Invoke(t).Envelope(t).Data
	if _, shown := data["secret"]; shown || data["webhook_id"] != 1.0 {
		t.Errorf("data = %v, want the webhook without its secret", data)
	}
}

func TestTroubleIsShown(t *testing.T) {
	t.Parallel()
	b := routetest.New(t, build, "get-webhook.json", nil)
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
	if _, err := b.Webhooks.AddFailures(t.Context(), w.Key(), webhook.OpenAfter, begun); err != nil {
		t.Fatal(err)
	}
	if opened, err := b.Webhooks.Open(t.Context(), w.Key(), now); err != nil || !opened {
		t.Fatal(opened, err)
	}
	want["state"] = "open"
	if d := cmp.Diff(want, b.Invoke(t).Envelope(t).Data["health"]); d != "" {
		t.Errorf("health (-want +got):\n%s", d)
	}
}

// Nothing that reads alone needs to be able to open a secret.
func TestReadingAloneOpensNoSecret(t *testing.T) {
	t.Parallel()
	secret := func(scope auth.Scope) (opened bool) {
		h := handler{webhooks: getterFunc(func(withSecrets bool) { opened = withSecrets }), now: time.Now}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.SetPathValue("webhook_id", "1")
		if _, err := h.get(r, auth.Caller{TenantID: "demo", Scopes: []auth.Scope{auth.WebhooksRead, scope}}); err != nil {
			t.Fatal(err)
		}
		return opened
	}
	if secret(auth.LogsRead) || !secret(auth.WebhooksWrite) {
		t.Error("want the secret opened for webhooks:write and for nobody else")
	}
}

// getterFunc is told whether the secrets are asked for.
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
	b := routetest.New(t, build, "get-webhook.json", nil)
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
		{name: "deleted, and another tenant's", id: "1", reason: apperr.WebhookNotFound},
		{name: "never given", id: "9223372036854775807", reason: apperr.WebhookNotFound},
		{name: "the tenant's own item", id: "0", reason: apperr.InvalidWebhookID},
		{name: "negative", id: "-1", reason: apperr.InvalidWebhookID},
		{name: "not a number", id: "abc", reason: apperr.InvalidWebhookID},
		{name: "another spelling", id: "01", reason: apperr.InvalidWebhookID},
		{name: "too large", id: "9223372036854775808", reason: apperr.InvalidWebhookID},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			request := b.Request
			request.RawPath = "/api/v1/webhooks/" + tt.id
			request.RequestContext.HTTP.Path = request.RawPath
			answer := cloudtest.Invoke(t, b.Function, request)
			if got := answer.Envelope(t).Code; got != int(tt.reason) || answer.Status != int(tt.reason)/100 {
				t.Errorf("answer %d, code %d, want code %d", answer.Status, got, tt.reason)
			}
		})
	}
}

func TestTheFieldsAreTheContracts(t *testing.T) {
	t.Parallel()
	b := routetest.New(t, build, "get-webhook.json", nil)
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
