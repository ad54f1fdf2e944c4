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

func TestTheSampleEvent(t *testing.T) {
	t.Parallel()
	b := routetest.New(t, build, "update-webhook.json", nil)
	want := b.Create(t, "demo")
	want.Name, want.Enabled, want.Revision = "环境事件通知（更新）", false, 2

	answer := b.Invoke(t)
	if answer.Status != http.StatusOK || answer.Body != updated {
		t.Errorf("answer %d %s\nwant   200 %s", answer.Status, answer.Body, updated)
	}
	got := b.Stored(t, want.Key())
	want.UpdatedAt = got.UpdatedAt
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("what is absent must stay (-want +got):\n%s", d)
	}
}

func TestAChangedSecretSignsBesideTheOldOne(t *testing.T) {
	t.Parallel()
	b := routetest.New(t, build, "update-webhook.json", nil)
	w := b.Create(t, "demo")
	if answer := b.Send(t, `{"secret":"another-secret"}`); answer.Status != http.StatusOK {
		t.Fatalf("answer %d %s", answer.Status, answer.Body)
	}
	got := b.Stored(t, w.Key())
	keys, err := got.SigningKeys(got.UpdatedAt)
	if err != nil || len(keys) != 2 || got.Secret != "another-secret" {
		t.Errorf("%d keys, %v, want the new one and the old one", len(keys), err)
	}
	if keys, err = got.SigningKeys(got.UpdatedAt.Add(webhook.SecretOverlap + 1e9)); err != nil || len(keys) != 1 {
		t.Errorf("%d keys a day later, %v, want one", len(keys), err)
	}
}

// GET shows the secret and the secret sent back is the same one: no rotation.
func TestAGetSentBackIsNoRotation(t *testing.T) {
	t.Parallel()
	b := routetest.New(t, build, "update-webhook.json", nil)
	w := b.Create(t, "demo")
	view := w.View()
	view.Secret = w.Secret
	body, err := json.Marshal(view)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if answer := b.Send(t, string(body)); answer.Status != http.StatusOK {
			t.Fatalf("answer %d %s", answer.Status, answer.Body)
		}
	}
	got := b.Stored(t, w.Key())
	w.Revision, w.UpdatedAt = got.Revision, got.UpdatedAt
	if d := cmp.Diff(w, got); d != "" {
		t.Errorf("it changed (-want +got):\n%s", d)
	}
}

func TestDisablingLeavesTheIndex(t *testing.T) {
	t.Parallel()
	b := routetest.New(t, build, "update-webhook.json", nil)
	b.Create(t, "demo")
	b.Send(t, `{"enabled":false}`)
	if index := b.Index(t, "demo"); len(index.Match(event.EnvironmentCreated)) != 0 {
		t.Errorf("index = %v, want no match", index)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	b := routetest.New(t, build, "update-webhook.json", nil)
	w := b.Create(t, "demo")
	tests := []struct {
		name   string
		body   string
		reason apperr.Reason
		fields []string
	}{
		{name: "no body", body: "", reason: apperr.InvalidJSON},
		{name: "nothing to update", body: `{}`, reason: apperr.NothingToUpdate},
		{name: "only what is read-only", body: `{"webhook_id":1,"created_at":"2026-01-26T10:00:00Z"}`, reason: apperr.NothingToUpdate},
		{name: "null", body: `{"name":null,"secret":null}`, reason: apperr.InvalidFields, fields: []string{"name", "secret"}},
		{name: "one bad field among good ones", body: `{"name":"good","events":[],"x":1}`, reason: apperr.InvalidFields, fields: []string{"events", "x"}},
	}
	for _, tt := range tests {
		answer := b.Send(t, tt.body)
		if got := answer.Envelope(t).Code; got != int(tt.reason) || answer.Status != http.StatusBadRequest {
			t.Errorf("%s: answer %d, code %d, want code %d", tt.name, answer.Status, got, tt.reason)
		}
		if d := cmp.Diff(tt.fields, answer.Refused(t)); d != "" {
			t.Errorf("%s: fields (-want +got):\n%s", tt.name, d)
		}
	}
	if d := cmp.Diff(w, b.Stored(t, w.Key())); d != "" {
		t.Errorf("a refused update changed something (-want +got):\n%s", d)
	}
}
