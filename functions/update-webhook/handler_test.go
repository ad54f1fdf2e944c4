package main

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/apperr"
	"webhooks/shared/event"
	"webhooks/shared/testkit/routetest"
	"webhooks/shared/webhook"
)

const updated = `{"code":0,"message":"更新成功"}`

// setup returns the route of this function with the sample event.
func setup(t *testing.T) routetest.Route {
	t.Helper()
	return routetest.New(t, build, "update-webhook.json")
}

func TestTheSampleEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	want := b.Create(t, "demo")
	want.Name, want.Enabled, want.Revision, want.Address = "环境事件通知（更新）", false, 2, 2

	response := b.Invoke(t)
	if response.Status != http.StatusOK || response.Body != updated {
		t.Errorf("response %d %s\nwant     200 %s", response.Status, response.Body, updated)
	}
	got := b.Stored(t, want.Key())
	want.UpdatedAt = got.UpdatedAt
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("stored webhook (-want +got):\n%s", d)
	}
}

func TestTheReplacedSecretKeepsSigningForADay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.Create(t, "demo")
	if response := b.Send(t, `{"secret":"another-secret"}`); response.Status != http.StatusOK {
		t.Fatalf("response %d %s", response.Status, response.Body)
	}
	got := b.Stored(t, w.Key())
	keys, err := got.SigningKeys(got.UpdatedAt)
	if err != nil || len(keys) != 2 || got.Secret != "another-secret" {
		t.Errorf("%d keys, %v, want the new and the old one", len(keys), err)
	}
	if keys, err = got.SigningKeys(got.UpdatedAt.Add(webhook.SecretOverlap + 1e9)); err != nil || len(keys) != 1 {
		t.Errorf("%d keys a day later, %v, want one", len(keys), err)
	}
}

func TestARateLimitIsSetAndRemoved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.Create(t, "demo")
	for _, tt := range []struct {
		body string
		want float64
	}{{`{"rate_limit":2.5}`, 2.5}, {`{"name":"other"}`, 2.5}, {`{"rate_limit":0}`, 0}} {
		if response := b.Send(t, tt.body); response.Status != http.StatusOK {
			t.Fatalf("%s: response %d %s", tt.body, response.Status, response.Body)
		}
		if got := b.Stored(t, w.Key()); got.RateLimit != tt.want {
			t.Errorf("%s: stored %v, want %v", tt.body, got.RateLimit, tt.want)
		}
	}
}

// The response of a GET has the current secret. Sending it back must not rotate it.
func TestTheResponseOfGetSentBackChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.Create(t, "demo")
	view := w.View()
	view.Secret = w.Secret
	body, err := json.Marshal(view)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if response := b.Send(t, string(body)); response.Status != http.StatusOK {
			t.Fatalf("response %d %s", response.Status, response.Body)
		}
	}
	got := b.Stored(t, w.Key())
	w.Revision, w.UpdatedAt = got.Revision, got.UpdatedAt
	if d := cmp.Diff(w, got); d != "" {
		t.Errorf("the webhook changed (-want +got):\n%s", d)
	}
}

func TestADisabledWebhookMatchesNoEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Create(t, "demo")
	b.Send(t, `{"enabled":false}`)
	if index := b.Index(t, "demo"); len(index.Match(event.EnvironmentCreated)) != 0 {
		t.Errorf("index = %v, want no match", index)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.Create(t, "demo")
	tests := []struct {
		name   string
		body   string
		reason apperr.Reason
		fields []string
	}{
		{name: "empty body", body: "", reason: apperr.InvalidJSON},
		{name: "nothing to update", body: `{}`, reason: apperr.NothingToUpdate},
		{name: "only read-only fields", body: `{"webhook_id":1,"created_at":"2026-01-26T10:00:00Z"}`, reason: apperr.NothingToUpdate},
		{name: "null", body: `{"name":null,"secret":null}`, reason: apperr.InvalidFields, fields: []string{"name", "secret"}},
		{name: "invalid fields among valid ones", body: `{"name":"good","events":[],"x":1}`, reason: apperr.InvalidFields, fields: []string{"events", "x"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			routetest.WantRefused(t, b.Send(t, tt.body), tt.reason, tt.fields...)
		})
	}
	if d := cmp.Diff(w, b.Stored(t, w.Key())); d != "" {
		t.Errorf("a refused update changed something (-want +got):\n%s", d)
	}
}
