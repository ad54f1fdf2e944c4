package main

import (
	"net/http"
	"testing"

	"webhooks/shared/apperr"
	"webhooks/shared/testkit/routetest"
)

func TestTheSampleEvent(t *testing.T) {
	t.Parallel()
	b := routetest.New(t, build, "delete-webhook.json", nil)
	w := b.Create(t, "demo")

	answer := b.Invoke(t)
	if answer.Status != http.StatusNoContent || answer.Body != "" {
		t.Errorf("answer %d %q, want 204 without a body", answer.Status, answer.Body)
	}
	if _, err := b.Webhooks.Get(t.Context(), w.Key()); !apperr.Is(err, apperr.WebhookNotFound) {
		t.Errorf("Get = %v, want it gone", err)
	}
	again := b.Invoke(t)
	if got := again.Envelope(t).Code; again.Status != http.StatusNotFound || got != int(apperr.WebhookNotFound) {
		t.Errorf("again: answer %d, code %d, want 404", again.Status, got)
	}
}

func TestAnInvalidIDIsRefused(t *testing.T) {
	t.Parallel()
	b := routetest.New(t, build, "delete-webhook.json", nil)
	b.Create(t, "demo")
	b.Request.RawPath = "/api/v1/webhooks/0"
	b.Request.RequestContext.HTTP.Path = b.Request.RawPath
	if answer := b.Invoke(t); answer.Status != http.StatusBadRequest {
		t.Errorf("answer %d %s, want 400", answer.Status, answer.Body)
	}
	if list, err := b.Webhooks.List(t.Context(), "demo"); err != nil || len(list) != 1 {
		t.Errorf("%d webhooks, %v, want the one", len(list), err)
	}
}
