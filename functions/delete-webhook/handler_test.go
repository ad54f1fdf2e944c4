package main

import (
	"net/http"
	"testing"

	"webhooks/shared/apperr"
	"webhooks/shared/testkit/routetest"
)

// setup returns the route of this function with the sample event.
func setup(t *testing.T) routetest.Route {
	t.Helper()
	return routetest.New(t, build, "delete-webhook.json")
}

func TestTheSampleEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.Create(t, "demo")

	response := b.Invoke(t)
	if response.Status != http.StatusNoContent || response.Body != "" {
		t.Errorf("response %d %q, want 204 without a body", response.Status, response.Body)
	}
	if _, err := b.Webhooks.Get(t.Context(), w.Key()); !apperr.Is(err, apperr.WebhookNotFound) {
		t.Errorf("Get = %v, want not found", err)
	}
	routetest.WantRefused(t, b.Invoke(t), apperr.WebhookNotFound)
}

func TestAnInvalidIDIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Create(t, "demo")
	routetest.WantRefused(t, b.At("/api/v1/webhooks/0").Invoke(t), apperr.InvalidWebhookID)
	if list, err := b.Webhooks.List(t.Context(), "demo"); err != nil || len(list) != 1 {
		t.Errorf("%d webhooks, %v, want one", len(list), err)
	}
}
