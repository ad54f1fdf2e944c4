package main

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"webhooks/shared/auth"
	"webhooks/shared/auth/apikey"
	"webhooks/shared/auth/apikeydb"
	"webhooks/shared/testkit/cloudtest"
)

// bundle is the function, as build wires it, with an empty table.
type bundle struct {
	invoke function
	store  *apikeydb.Store
	log    *strings.Builder
}

func setup(t *testing.T) bundle {
	t.Helper()
	table, log := cloudtest.Table(t, "KeysTable"), new(strings.Builder)
	invoke, err := build(slog.New(slog.NewJSONHandler(log, nil)), cloudtest.Getenv(t, map[string]string{"KEYS_TABLE": table}))
	if err != nil {
		t.Fatal(err)
	}
	return bundle{invoke, apikeydb.New(dynamodb.NewFromConfig(cloudtest.Config(t)), table), log}
}

// ask invokes the function and returns the decoded response.
func (b bundle) ask(t *testing.T, request string) map[string]any {
	t.Helper()
	response, err := b.invoke(t.Context(), json.RawMessage(request))
	if err != nil {
		t.Fatalf("%s: %v", request, err)
	}
	text, err := json.Marshal(response)
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil {
		t.Fatal(err)
	}
	return object
}

// audited fails the test unless the log has an audit line for action on keyID.
func (b bundle) audited(t *testing.T, action, keyID string) {
	t.Helper()
	for line := range strings.Lines(b.log.String()) {
		if strings.Contains(line, `"audit":"key.`+action+`"`) && strings.Contains(line, keyID) && strings.Contains(line, `"tenant_id":"`) {
			return
		}
	}
	t.Errorf("no audit line for %s of %s in:\n%s", action, keyID, b.log)
}

func TestSampleIssuesAKeyWithEveryScope(t *testing.T) {
	t.Parallel()
	b := setup(t)
	response := b.ask(t, string(cloudtest.Event(t, "keys.json")))
	token, ok := apikey.Parse(response["api_key"].(string))
	if !ok {
		t.Fatalf("no key in %v", response)
	}
	stored, err := b.store.Get(t.Context(), token.KeyID)
	if err != nil {
		t.Fatal(err)
	}
	if !stored.Matches(token) {
		t.Error("the issued key does not match the stored one")
	}
	want := token.Key("demo", auth.Scopes(), stored.CreatedAt, time.Time{})
	if diff := cmp.Diff(want, stored); diff != "" {
		t.Errorf("stored key (-want +got):\n%s", diff)
	}
	wantResponse := map[string]any{
		"api_key": token.Text(), "key_id": token.KeyID, "tenant_id": "demo",
		"scopes":     []any{"webhooks:read", "webhooks:write", "webhooks:test", "logs:read", "events:publish"},
		"created_at": stored.CreatedAt.Format(time.RFC3339),
	}
	if diff := cmp.Diff(wantResponse, response); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
	b.audited(t, "issue", token.KeyID)
	if secret := token.Text()[len("whk_")+len(token.KeyID)+1:]; strings.Contains(b.log.String(), secret) {
		t.Error("the log holds the key")
	}
}

func TestIssueWithScopesAndExpiry(t *testing.T) {
	t.Parallel()
	b := setup(t)
	response := b.ask(t, `{"action":"issue","tenant_id":"acme","scopes":["logs:read","webhooks:read"],"expires_at":"2999-01-26T12:00:00.9+02:00"}`)
	want := map[string]any{"tenant_id": "acme", "scopes": []any{"webhooks:read", "logs:read"}, "expires_at": "2999-01-26T10:00:00Z"}
	rest := cmpopts.IgnoreMapEntries(func(name string, _ any) bool { return want[name] == nil })
	if diff := cmp.Diff(want, response, rest); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
}

func TestLifeOfAKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ask(t, `{"action":"issue","tenant_id":"other"}`)
	issued := b.ask(t, `{"action":"issue","tenant_id":"acme","scopes":["logs:read"]}`)
	token, id := issued["api_key"].(string), issued["key_id"].(string)
	want := map[string]any{
		"key_id": id, "tenant_id": "acme", "scopes": []any{"logs:read"}, "last_four": token[len(token)-4:],
		"created_at": issued["created_at"], "changed_at": issued["created_at"],
	}
	if diff := cmp.Diff(map[string]any{"keys": []any{want}}, b.ask(t, `{"action":"list","tenant_id":"acme"}`)); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}

	ended := b.ask(t, `{"action":"expire","key_id":"`+id+`"}`)
	if ended["expires_at"] != ended["changed_at"] || ended["expires_at"] == nil {
		t.Errorf("expired without a time: expires at %v, changed at %v; want the same time", ended["expires_at"], ended["changed_at"])
	}
	later := b.ask(t, `{"action":"expire","key_id":"`+id+`","expires_at":"2999-01-26T10:00:00Z"}`)
	if later["expires_at"] != "2999-01-26T10:00:00Z" {
		t.Errorf("expired with a time: expires at %v", later["expires_at"])
	}
	b.audited(t, "expire", id)

	if gone := b.ask(t, `{"action":"revoke","key_id":"`+id+`"}`); gone["key_id"] != id || gone["tenant_id"] != "acme" {
		t.Errorf("revoked %v", gone)
	}
	b.audited(t, "revoke", id)
	if diff := cmp.Diff(map[string]any{"keys": []any{}}, b.ask(t, `{"action":"list","tenant_id":"acme"}`)); diff != "" {
		t.Errorf("list after revoke (-want +got):\n%s", diff)
	}
	for _, action := range []string{"revoke", "expire"} {
		_, err := b.invoke(t.Context(), json.RawMessage(`{"action":"`+action+`","key_id":"`+id+`"}`))
		if err == nil || err.Error() != "there is no API key with the id "+id {
			t.Errorf("%s of a revoked key: %v", action, err)
		}
	}
	if _, secret, _ := strings.Cut(token[len("whk_"):], "_"); strings.Contains(b.log.String(), secret) {
		t.Error("the log holds the key")
	}
}
