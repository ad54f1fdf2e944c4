package main

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/apperr"
	"webhooks/shared/httpapi"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/routetest"
	"webhooks/shared/webhook"
)

// setup returns the route of this function with the sample event.
func setup(t *testing.T) routetest.Route {
	t.Helper()
	return routetest.New(t, build, "delete-webhook.json", "LOGS_TABLE="+cloudtest.Table(t, "LogsTable"), "LOG_RETENTION_DAYS=30")
}

// forgetting is a log table that fails a number of times.
type forgetting struct {
	failures int
	calls    []bool // of each call, whether the webhook was deleted now
}

func (f *forgetting) Forget(_ context.Context, _ webhook.Key, deletedNow bool, _ time.Time) error {
	f.calls = append(f.calls, deletedNow)
	if f.failures--; f.failures >= 0 {
		return apperr.New(apperr.TemporarilyUnavailable)
	}
	return nil
}

// TestARepeatedRequestForgetsTheLogs whose expiry failed at first.
func TestARepeatedRequestForgetsTheLogs(t *testing.T) {
	t.Parallel()
	b, logs := setup(t), &forgetting{failures: 1}
	b.Create(t, "demo")
	b.Function = httpapi.New(slog.New(slog.DiscardHandler), handler{webhooks: b.Webhooks, logs: logs, now: time.Now}.route())
	routetest.WantRefused(t, b.Invoke(t), apperr.TemporarilyUnavailable)
	routetest.WantRefused(t, b.Invoke(t), apperr.WebhookNotFound)
	if diff := cmp.Diff([]bool{true, false}, logs.calls); diff != "" {
		t.Errorf("deleted now (-want +got):\n%s", diff)
	}
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
