package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/apperr"
	"webhooks/shared/event"
	"webhooks/shared/guard"
	"webhooks/shared/httpapi"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/routetest"
	"webhooks/shared/webhook"
)

// setup returns the route of this function with the sample event.
func setup(t *testing.T, settings ...string) routetest.Route {
	t.Helper()
	return routetest.New(t, build, "create-webhook.json", settings...)
}

func TestTheSampleEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	before := time.Now().Truncate(time.Second)
	response := b.Invoke(t)

	w, err := b.Webhooks.GetWithSecrets(t.Context(), webhook.Key{TenantID: "demo", ID: 1}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`{"code":0,"message":"Webhook 创建成功","data":{"webhook_id":1,"name":"环境事件通知",`+
		`"url":"https://your-server.com/webhook","enabled":true,"created_at":"%s"}}`, w.CreatedAt.Format(time.RFC3339))
	if response.Status != http.StatusCreated || response.Body != want {
		t.Errorf("response %d %s\nwant     201 %s", response.Status, response.Body, want)
	}
	if w.CreatedAt.Before(before) || w.CreatedAt.After(time.Now()) {
		t.Errorf("created at %v, want now", w.CreatedAt)
	}
	stored := []any{w.Secret, w.Events}
	if d := cmp.Diff([]any{"your-secret-key", []event.Type{"environment.created", "environment.started", "environment.stopped"}}, stored); d != "" {
		t.Errorf("stored (-want +got):\n%s", d)
	}
}

func TestARateLimitIsStored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Send(t, `{"name":"n","url":"https://receiver.example/","events":["alert.resolved"],"rate_limit":0.1}`)
	w, err := b.Webhooks.Get(t.Context(), webhook.Key{TenantID: "demo", ID: 1})
	if err != nil || w.RateLimit != 0.1 {
		t.Errorf("stored %v, %v, want 0.1", w.RateLimit, err)
	}
}

func TestAGeneratedSecretIsShownOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	response := b.Send(t, `{"name":"n","url":"https://receiver.example/","events":["alert.resolved"]}`)
	shown, _ := response.Envelope(t).Data["secret"].(string)

	w, err := b.Webhooks.GetWithSecrets(t.Context(), webhook.Key{TenantID: "demo", ID: 1}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(shown, "whsec_") || shown != w.Secret {
		t.Errorf("shown %q, stored %q, want the same whsec_ secret", shown, w.Secret)
	}
	if !w.Enabled {
		t.Error("the webhook is disabled, want enabled by default")
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
		{name: "empty body", body: "", reason: apperr.InvalidJSON},
		{name: "not JSON", body: "{", reason: apperr.InvalidJSON},
		{name: "two values", body: `{}{}`, reason: apperr.InvalidJSON},
		{name: "every field is invalid", body: `{"name":"","secret":"x","events":["x"],"enabled":1,"x":1}`, reason: apperr.InvalidFields, fields: []string{"name", "url", "secret", "events", "enabled", "x"}},
		{name: "loopback", body: `{"name":"n","url":"http://127.0.0.1:8080/","events":["alert.resolved"]}`, reason: apperr.InvalidFields, fields: []string{"url"}},
		{name: "too large", body: `{"name":"` + strings.Repeat("a", httpapi.MaxBody) + `"}`, reason: apperr.BodyTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			routetest.WantRefused(t, b.Send(t, tt.body), tt.reason, tt.fields...)
		})
	}
}

func TestTheLocalStackAcceptsLoopback(t *testing.T) {
	t.Parallel()
	b := setup(t, "LOCAL_RECEIVERS=true")
	response := b.Send(t, `{"name":"n","url":"http://127.0.0.1:8080/","events":["alert.resolved"]}`)
	if response.Status != http.StatusCreated {
		t.Errorf("response %d %s, want 201", response.Status, response.Body)
	}
}

// full is a store whose tenants are at the limit.
type full struct{}

func (full) Create(context.Context, webhook.Webhook, time.Time) (webhook.Webhook, error) {
	return webhook.Webhook{}, apperr.New(apperr.TooManyWebhooks, webhook.MaxPerTenant)
}

func TestTheLimitIsAConflict(t *testing.T) {
	t.Parallel()
	urls, err := guard.New(guard.Config{})
	if err != nil {
		t.Fatal(err)
	}
	function := httpapi.New(slog.New(slog.DiscardHandler), handler{webhooks: full{}, urls: urls, now: time.Now}.route())
	response := cloudtest.Invoke(t, function, cloudtest.Request(t, "create-webhook.json"))
	if got := response.Envelope(t); response.Status != http.StatusConflict || !strings.Contains(got.Message, "1000") {
		t.Errorf("response %d %q, want 409 with the limit", response.Status, got.Message)
	}
}
