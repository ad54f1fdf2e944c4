package e2e_test

import (
	"crypto/ed25519"
	"maps"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"webhooks/shared/auth/jwks"
	"webhooks/shared/testkit/jwkstest"
)

// provider serves a JWKS at the URL that the stack fetches. Its key is always the same,
// so that a second test run works with the stored set.
func provider(t testing.TB) jwkstest.Key {
	t.Helper()
	seed := make([]byte, ed25519.SeedSize)
	key := jwkstest.Key{ID: "e2e", Algorithm: jwks.EdDSA, Private: ed25519.NewKeyFromSeed(seed)}
	address, err := url.Parse(deployed(t).JWKSURL)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", address.Host)
	if err != nil {
		t.Fatalf("the port for the tests' identity provider, 1000 above the local cloud's: %v", err)
	}
	document := jwkstest.Document(t, key.JWK(t))
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(document)
	})}
	t.Cleanup(func() { _ = server.Close() })
	go func() { _ = server.Serve(listener) }() // returns when the server is closed
	return key
}

// TestJWTsOfTheIdentityProviderAreAccepted uses the deployed authorizer with its role,
// which stores the key set.
func TestJWTsOfTheIdentityProviderAreAccepted(t *testing.T) {
	t.Parallel()
	key, c := provider(t), setup(t)
	claims := map[string]any{
		"iss": "https://id.example.com/", "aud": "https://webhooks.example.com", "sub": "user-1", "exp": time.Now().Add(time.Hour).Unix(),
		"tenant_id": c.id, "scope": "openid webhooks:read webhooks:write",
	}
	good := c.with(t, key.Sign(t, claims, nil))
	made := good.webhook(nobody, "alert.resolved")
	if got := dataOf[created](t, c.call("GET", path(made.ID), ""), http.StatusOK); got.ID != made.ID {
		t.Errorf("the tenant's API key sees %+v, want the webhook that the JWT created", got)
	}
	good.call("GET", path(made.ID, "/logs"), "").is(t, http.StatusForbidden, `{"code": 40301, "message": "没有权限：访问令牌缺少 logs:read"}`)

	for name, changes := range map[string]map[string]any{
		"another audience": {"aud": "https://other.example.com"},
		"another issuer":   {"iss": "https://evil.example.com/"},
		"expired":          {"exp": time.Now().Add(-time.Hour).Unix()},
		"invalid tenant":   {"tenant_id": "a#b"},
	} {
		changed := maps.Clone(claims)
		maps.Copy(changed, changes)
		if got := c.with(t, key.Sign(t, changed, nil)).call("GET", "/api/v1/webhooks", ""); got.Status != http.StatusForbidden {
			t.Errorf("%s: status %d, want 403: %s", name, got.Status, got.Body)
		}
	}
	forged := jwkstest.NewKey(t, "e2e", jwks.EdDSA)
	if got := c.with(t, forged.Sign(t, claims, nil)).call("GET", "/api/v1/webhooks", ""); got.Status != http.StatusForbidden {
		t.Errorf("forged: status %d, want 403: %s", got.Status, got.Body)
	}
}
