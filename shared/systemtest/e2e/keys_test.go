package e2e_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// TestAnEndedKeyIsRefused uses each key for the first time after its end: the
// gateway remembers an answer for 60 s.
func TestAnEndedKeyIsRefused(t *testing.T) {
	t.Parallel()
	c := setup(t)
	tests := []struct {
		name   string
		action map[string]any
		status int
	}{
		{"revoked", map[string]any{"action": "revoke"}, http.StatusForbidden},
		{"expired", map[string]any{"action": "expire"}, http.StatusForbidden},
		{"expires later", map[string]any{"action": "expire", "expires_at": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}, http.StatusOK},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			key := issueKey(t, map[string]any{"tenant_id": c.id})
			test.action["key_id"] = key.KeyID
			var changed issuedKey
			keys(t, test.action, &changed)
			if changed.KeyID != key.KeyID || changed.APIKey != "" {
				t.Errorf("answer = %+v, want the key's id and not the key", changed)
			}
			if got := c.with(t, key.APIKey).call("GET", "/api/v1/webhooks", ""); got.Status != test.status {
				t.Errorf("status = %d, want %d: %s", got.Status, test.status, got.Body)
			}
		})
	}
}

// TestAKeyMayDoWhatItsScopesSay walks all routes with one scope at a time.
func TestAKeyMayDoWhatItsScopesSay(t *testing.T) {
	t.Parallel()
	c, r := setup(t), newReceiver(t, ok)
	made := c.webhook(r.URL, "alert.resolved")
	routes := []struct {
		method, path, body, scope string
		status                    int
	}{
		{"GET", "/api/v1/webhooks", "", "webhooks:read", http.StatusOK},
		{"GET", path(made.ID), "", "webhooks:read", http.StatusOK},
		{"GET", path(made.ID, "/logs"), "", "logs:read", http.StatusOK},
		{"POST", path(made.ID, "/test"), "", "webhooks:test", http.StatusOK},
		{"PUT", path(made.ID), `{"name":"renamed"}`, "webhooks:write", http.StatusOK},
		{"POST", "/api/v1/webhooks", documented, "webhooks:write", http.StatusCreated},
		{"DELETE", path(made.ID + 1), "", "webhooks:write", http.StatusNoContent},
		{"POST", eventsPath, `{"type":"training.failed","data":1}`, "events:publish", http.StatusAccepted},
		{"POST", path(made.ID, "/logs/9/resend"), "", "webhooks:test", http.StatusNotFound}, // there is no such log
	}
	for _, scope := range []string{"webhooks:read", "logs:read", "webhooks:test", "webhooks:write", "events:publish"} {
		t.Run(scope, func(t *testing.T) {
			limited := c.with(t, issueKey(t, map[string]any{"tenant_id": c.id, "scopes": []string{scope}}).APIKey)
			for _, route := range routes {
				got := limited.call(route.method, route.path, route.body)
				if route.scope == scope {
					if got.Status != route.status {
						t.Errorf("%s %s: status %d, want %d: %s", route.method, route.path, got.Status, route.status, got.Body)
					}
					continue
				}
				got.is(t, http.StatusForbidden, `{"code": 40301, "message": "没有权限：访问令牌缺少 `+route.scope+`"}`)
			}
		})
	}
}

// TestReadingAloneDoesNotShowTheSecret: who has the secret can sign as we do.
func TestReadingAloneDoesNotShowTheSecret(t *testing.T) {
	t.Parallel()
	c := setup(t)
	made := c.webhook(nobody, "alert.resolved")
	reader := c.with(t, issueKey(t, map[string]any{"tenant_id": c.id, "scopes": []string{"webhooks:read"}}).APIKey)
	if got := reader.call("GET", path(made.ID), ""); got.Status != http.StatusOK || strings.Contains(got.Body, "secret") {
		t.Errorf("answer %d: %s, want the webhook without its secret", got.Status, got.Body)
	}
}

// TestOnlyIAMIssuesKeys: the keys function has no route, and a stranger's
// credentials do not invoke it.
func TestOnlyIAMIssuesKeys(t *testing.T) {
	t.Parallel()
	request := []byte(`{"action":"issue","tenant_id":"` + newTenantID() + `"}`)
	stranger := aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "unknown"}
	got := invoke(t, physicalID(t, "KeysFunction"), request, stranger)
	if got.Status != http.StatusForbidden || strings.Contains(got.Body, "whk_") {
		t.Errorf("answer %d: %s, want 403", got.Status, got.Body)
	}
}

func TestBadRequestsForKeysAreRefused(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, request, named string }{
		{"not an object", `[]`, "one JSON object"},
		{"no action", `{"tenant_id":"acme"}`, "action"},
		{"other action", `{"action":"steal"}`, "action"},
		{"no tenant", `{"action":"issue"}`, "tenant_id"},
		{"bad tenant", `{"action":"issue","tenant_id":"a#b"}`, "tenant_id"},
		{"unknown scope", `{"action":"issue","tenant_id":"acme","scopes":["all"]}`, "scopes"},
		{"unknown member", `{"action":"issue","tenant_id":"acme","Scopes":["logs:read"]}`, "Scopes"},
		{"past", `{"action":"issue","tenant_id":"acme","expires_at":"2020-01-01T00:00:00Z"}`, "expires_at"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := invoke(t, physicalID(t, "KeysFunction"), []byte(test.request), administrator(t))
			if got.Header.Get("X-Amz-Function-Error") == "" || !strings.Contains(got.Body, test.named) {
				t.Errorf("answer %d: %s, want an error that names %s", got.Status, got.Body, test.named)
			}
		})
	}
}
