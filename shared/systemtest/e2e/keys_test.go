package e2e_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"webhooks/shared/auth"
	"webhooks/shared/testkit/openapitest"
)

// TestRevokedAndExpiredKeysAreRefused uses each key for the first time after its
// change, because the gateway caches the authorizer's response for 60 s.
func TestRevokedAndExpiredKeysAreRefused(t *testing.T) {
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
				t.Errorf("response = %+v, want the id and not the key", changed)
			}
			if got := c.with(t, key.APIKey).call("GET", "/api/v1/webhooks", ""); got.Status != test.status {
				t.Errorf("status = %d, want %d: %s", got.Status, test.status, got.Body)
			}
		})
	}
}

// TestEachRouteNeedsItsScope requests every route of the OpenAPI document with
// keys of one scope each.
func TestEachRouteNeedsItsScope(t *testing.T) {
	t.Parallel()
	c, r := setup(t), newReceiver(t, ok)
	made, scopes := c.webhook(r.URL, "alert.resolved"), documentedScopes(t)
	requests := []struct {
		method, route, path, body string
		status                    int // with the scope
	}{
		{"GET", "/api/v1/webhooks", "/api/v1/webhooks", "", http.StatusOK},
		{"GET", "/api/v1/webhooks/{webhook_id}", path(made.ID), "", http.StatusOK},
		{"GET", "/api/v1/webhooks/{webhook_id}/logs", path(made.ID, "/logs"), "", http.StatusOK},
		{"POST", "/api/v1/webhooks/{webhook_id}/test", path(made.ID, "/test"), "", http.StatusOK},
		{"PUT", "/api/v1/webhooks/{webhook_id}", path(made.ID), `{"name":"renamed"}`, http.StatusOK},
		{"POST", "/api/v1/webhooks/{webhook_id}/secret/rotate", path(made.ID, "/secret/rotate"), "", http.StatusOK},
		{"POST", "/api/v1/webhooks", "/api/v1/webhooks", documented, http.StatusCreated},
		{"DELETE", "/api/v1/webhooks/{webhook_id}", path(made.ID + 1), "", http.StatusNoContent},
		{"POST", eventsPath, eventsPath, `{"type":"training.failed","data":1}`, http.StatusAccepted},
		{"POST", "/api/v1/webhooks/{webhook_id}/logs/{log_id}/resend", path(made.ID, "/logs/9/resend"), "", http.StatusNotFound}, // log 9 does not exist
	}
	if len(requests) != len(scopes) {
		t.Errorf("%d requests for the %d routes of the document that need a scope", len(requests), len(scopes))
	}
	for _, scope := range auth.Scopes() {
		t.Run(string(scope), func(t *testing.T) {
			limited := c.with(t, issueKey(t, map[string]any{"tenant_id": c.id, "scopes": []auth.Scope{scope}}).APIKey)
			for _, request := range requests {
				needed := scopes[request.method+" "+request.route]
				got := limited.call(request.method, request.path, request.body)
				if needed == string(scope) {
					if got.Status != request.status {
						t.Errorf("%s %s: status %d, want %d: %s", request.method, request.path, got.Status, request.status, got.Body)
					}
					continue
				}
				got.is(t, http.StatusForbidden, `{"code": 40301, "message": "没有权限：访问令牌缺少 `+needed+`"}`)
			}
		})
	}
}

// documentedScopes returns the scope of each route of the OpenAPI document that
// needs one.
func documentedScopes(t *testing.T) map[string]string {
	t.Helper()
	scopes := make(map[string]string)
	for path, item := range openapitest.Document(t).Paths.Map() {
		for method, operation := range item.Operations() {
			if scope := openapitest.Scope(operation); scope != "" {
				scopes[method+" "+path] = scope
			}
		}
	}
	return scopes
}

// TestReadingAloneDoesNotShowTheSecret: with the secret a reader could sign deliveries.
func TestReadingAloneDoesNotShowTheSecret(t *testing.T) {
	t.Parallel()
	c := setup(t)
	made := c.webhook(nobody, "alert.resolved")
	reader := c.with(t, issueKey(t, map[string]any{"tenant_id": c.id, "scopes": []string{"webhooks:read"}}).APIKey)
	if got := reader.call("GET", path(made.ID), ""); got.Status != http.StatusOK || strings.Contains(got.Body, "secret") {
		t.Errorf("response %d: %s, want the webhook without its secret", got.Status, got.Body)
	}
}

// TestOnlyIAMIssuesKeys: the keys function has no route, and unknown credentials
// cannot invoke it.
func TestOnlyIAMIssuesKeys(t *testing.T) {
	t.Parallel()
	request := []byte(`{"action":"issue","tenant_id":"` + newTenantID() + `"}`)
	stranger := aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "unknown"}
	got := invoke(t, physicalID(t, "KeysFunction"), request, stranger)
	if got.Status != http.StatusForbidden || strings.Contains(got.Body, "whk_") {
		t.Errorf("response %d: %s, want 403", got.Status, got.Body)
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
				t.Errorf("response %d: %s, want an error that names %s", got.Status, got.Body, test.named)
			}
		})
	}
}
