package main

import (
	"log/slog"
	"net/http"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"webhooks/shared/apperr"
	"webhooks/shared/cloudtest"
	"webhooks/shared/httpapi"
	"webhooks/shared/webhook"
	"webhooks/shared/webhookdb"
	"webhooks/shared/webhooktest"
)

// bundle is the function on a table of its own.
type bundle struct {
	function httpapi.Function
	store    *webhookdb.Store
	request  events.APIGatewayV2HTTPRequest
}

func setup(t *testing.T) bundle {
	t.Helper()
	table := cloudtest.Table(t, "WebhooksTable")
	function, err := build(t.Context(), slog.New(slog.DiscardHandler), cloudtest.Getenv(t, map[string]string{"WEBHOOKS_TABLE": table}))
	if err != nil {
		t.Fatal(err)
	}
	return bundle{
		function: function,
		store:    webhookdb.New(dynamodb.NewFromConfig(cloudtest.Config(t)), table),
		request:  cloudtest.Request(t, "delete-webhook.json"),
	}
}

func (b bundle) create(t *testing.T, tenantID string, changes ...func(*webhook.Webhook)) webhook.Webhook {
	t.Helper()
	w, err := b.store.Create(t.Context(), webhooktest.Webhook(tenantID, changes...))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestTheSampleEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.create(t, "demo")

	answer := cloudtest.Invoke(t, b.function, b.request)
	if answer.Status != http.StatusNoContent || answer.Body != "" {
		t.Errorf("answer %d %q, want 204 without a body", answer.Status, answer.Body)
	}
	if _, err := b.store.Get(t.Context(), w.Key()); !apperr.Is(err, apperr.WebhookNotFound) {
		t.Errorf("Get = %v, want it gone", err)
	}
	again := cloudtest.Invoke(t, b.function, b.request)
	if got := again.Envelope(t).Code; again.Status != http.StatusNotFound || got != int(apperr.WebhookNotFound) {
		t.Errorf("again: answer %d, code %d, want 404", again.Status, got)
	}
}

func TestAnotherTenantsWebhookIsNotFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.create(t, "globex")
	if answer := cloudtest.Invoke(t, b.function, b.request); answer.Status != http.StatusNotFound {
		t.Errorf("answer %d %s, want 404", answer.Status, answer.Body)
	}
	if _, err := b.store.Get(t.Context(), w.Key()); err != nil {
		t.Errorf("Get = %v, want it untouched", err)
	}
}

func TestReadingIsNotEnough(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.create(t, "demo")
	b.request.RequestContext.Authorizer.Lambda["scopes"] = "webhooks:read"
	if answer := cloudtest.Invoke(t, b.function, b.request); answer.Status != http.StatusForbidden {
		t.Errorf("answer %d %s, want 403", answer.Status, answer.Body)
	}
}

func TestAnInvalidIDIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.create(t, "demo")
	b.request.RawPath = "/api/v1/webhooks/0"
	b.request.RequestContext.HTTP.Path = b.request.RawPath
	if answer := cloudtest.Invoke(t, b.function, b.request); answer.Status != http.StatusBadRequest {
		t.Errorf("answer %d %s, want 400", answer.Status, answer.Body)
	}
	if list, err := b.store.List(t.Context(), "demo"); err != nil || len(list) != 1 {
		t.Errorf("%d webhooks, %v, want the one", len(list), err)
	}
}
