package e2e_test

import (
	"crypto/rand"
	"encoding/json"
	"testing"

	"webhooks/shared/testkit/cloudtest"
)

// tenant is a tenant of the deployed stack, with an API key.
type tenant struct {
	t     *testing.T
	stack cloudtest.StackFile
	id    string
	key   string
}

// setup returns a new tenant whose key has all scopes.
func setup(t *testing.T) *tenant {
	t.Helper()
	id := newTenantID()
	return &tenant{t: t, stack: deployed(t), id: id, key: issueKey(t, map[string]any{"tenant_id": id}).APIKey}
}

// with returns the same tenant for another test or with another key.
func (c *tenant) with(t *testing.T, key string) *tenant {
	return &tenant{t: t, stack: c.stack, id: c.id, key: key}
}

func newTenantID() string { return "tenant-" + rand.Text() }

// deployed reads the stack file. The stack must be deployed.
func deployed(t testing.TB) cloudtest.StackFile {
	t.Helper()
	stack := cloudtest.Stack(t)
	if stack.APIURL == "" {
		t.Fatal("the local cloud runs without the stack: run make test-up")
	}
	return stack
}

// issuedKey is the response of the keys function.
type issuedKey struct {
	APIKey string `json:"api_key"`
	KeyID  string `json:"key_id"`
}

// issueKey issues a key as an administrator does. Request has everything but the action.
func issueKey(t testing.TB, request map[string]any) issuedKey {
	t.Helper()
	request["action"] = "issue"
	var key issuedKey
	keys(t, request, &key)
	if key.APIKey == "" || key.KeyID == "" {
		t.Fatalf("the keys function issued no key: %+v", key)
	}
	return key
}

// keys invokes the keys function and decodes its response.
func keys(t testing.TB, request map[string]any, answer any) {
	t.Helper()
	payload, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	got := invoke(t, physicalID(t, "KeysFunction"), payload, administrator(t))
	if got.Status != 200 || got.Header.Get("X-Amz-Function-Error") != "" {
		t.Fatalf("invoke keys with %s: status %d: %s", payload, got.Status, got.Body)
	}
	if err := json.Unmarshal([]byte(got.Body), answer); err != nil {
		t.Fatalf("response of keys %s: %v", got.Body, err)
	}
}
