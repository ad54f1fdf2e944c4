package main

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/auth"
	"webhooks/shared/auth/apikey"
	"webhooks/shared/auth/jwks"
	"webhooks/shared/auth/jwtauth"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/jwkstest"
)

// platform is an identity provider and the settings of the function that trusts it.
type platform struct {
	provider *jwkstest.Provider
	key      jwkstest.Key
	env      map[string]string
	log      *strings.Builder
}

func setupPlatform(t *testing.T) platform {
	t.Helper()
	key := jwkstest.NewKey(t, "first", jwks.ES256)
	p := platform{provider: jwkstest.NewProvider(t, key), key: key, log: new(strings.Builder)}
	p.env = map[string]string{
		"KEYS_TABLE": cloudtest.Table(t, "KeysTable"), "LOCAL_RECEIVERS": "true",
		"JWT_ISSUER": "https://id.example.com/", "JWT_AUDIENCE": "webhooks", "JWT_JWKS_URL": p.provider.URL,
		"JWT_AUDIENCE_CLAIM": "aud", "JWT_TENANT_CLAIM": "https://example.com/tenant", "JWT_SCOPE_CLAIM": "permissions",
	}
	return p
}

// start builds the function, as a cold start does.
func (p platform) start(t *testing.T) function {
	t.Helper()
	f, err := build(slog.New(slog.NewJSONHandler(p.log, nil)), cloudtest.Getenv(t, p.env))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// sign returns the Authorization header of a token that key signed.
func sign(t *testing.T, key jwkstest.Key, changes map[string]any) string {
	t.Helper()
	claims := map[string]any{
		"iss": "https://id.example.com/", "aud": "webhooks", "sub": "user-1", "exp": time.Now().Add(time.Hour).Unix(),
		"https://example.com/tenant": "acme", "permissions": []string{"logs:read", "webhooks:read", "openid"},
	}
	maps.Copy(claims, changes)
	return "Bearer " + key.Sign(t, claims, nil)
}

// ask invokes f with an Authorization header.
func ask(t *testing.T, f function, header string) (response, error) {
	t.Helper()
	r := event(t)
	r.IdentitySource = []string{header}
	return f(t.Context(), r)
}

func TestGoodJWTIsAllowed(t *testing.T) {
	t.Parallel()
	p := setupPlatform(t)
	f := p.start(t)
	if p.provider.Fetches() != 0 {
		t.Error("the function fetches keys before the first JWT")
	}
	want := response{IsAuthorized: true, Context: map[string]any{
		"tenant_id": "acme", "scopes": "webhooks:read logs:read", "subject": "user-1",
	}}
	for range 2 {
		got, err := ask(t, f, sign(t, p.key, nil))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("response (-want +got):\n%s", diff)
		}
	}
	if p.provider.Fetches() != 1 {
		t.Errorf("%d fetches, want 1", p.provider.Fetches())
	}
}

func TestInvalidJWTIsDenied(t *testing.T) {
	t.Parallel()
	p := setupPlatform(t)
	f := p.start(t)
	forger := jwkstest.NewKey(t, "first", jwks.ES256)
	for _, tt := range []struct{ name, header, reason string }{
		{name: "forged", header: sign(t, forger, nil), reason: "JWT wrong signature"},
		{name: "expired", header: sign(t, p.key, map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}), reason: "JWT expired"},
		{name: "for another audience", header: sign(t, p.key, map[string]any{"aud": "other"}), reason: "JWT wrong audience"},
		{name: "without a tenant", header: sign(t, p.key, map[string]any{"https://example.com/tenant": "a#b"}), reason: "JWT no tenant"},
		{name: "of an unknown key", header: sign(t, jwkstest.NewKey(t, "second", jwks.ES256), nil), reason: "JWT unknown key"},
		{name: "three empty parts", header: "Bearer ..", reason: "JWT malformed"},
	} {
		got, err := ask(t, f, tt.header)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(response{}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if !strings.Contains(p.log.String(), `"reason":"`+tt.reason+`"`) {
			t.Errorf("%s: log = %s", tt.name, p.log)
		}
		if signature := tt.header[strings.LastIndexByte(tt.header, '.')+1:]; signature != "" && strings.Contains(p.log.String(), signature) {
			t.Errorf("%s: the log holds the token", tt.name)
		}
	}
}

func TestColdStartWhileTheProviderIsDown(t *testing.T) {
	t.Parallel()
	p := setupPlatform(t)
	p.provider.Down()
	if got, err := ask(t, p.start(t), sign(t, p.key, nil)); !errors.Is(err, jwks.ErrUnavailable) || got.IsAuthorized {
		t.Errorf("without a stored key set: %+v, %v; want an error, which API Gateway does not cache", got, err)
	}
	p.provider.Show(t, p.key)
	if got, err := ask(t, p.start(t), sign(t, p.key, nil)); err != nil || !got.IsAuthorized {
		t.Fatalf("after the provider recovers: %+v, %v", got, err)
	}
	p.provider.Down()
	if got, err := ask(t, p.start(t), sign(t, p.key, nil)); err != nil || !got.IsAuthorized {
		t.Errorf("with the stored key set: %+v, %v", got, err)
	}
}

// unused is a verifier that must not be called.
type unused struct{ t *testing.T }

func (u unused) Verify(_ context.Context, token string) (auth.Caller, error) {
	u.t.Errorf("%q is verified as a JWT", token)
	return auth.Caller{}, jwtauth.Malformed
}

func TestOtherTokensAreNotVerifiedAsJWTs(t *testing.T) {
	t.Parallel()
	h := handler{log: slog.New(slog.DiscardHandler), now: time.Now, jwts: unused{t}, keys: stub(func(string) (apikey.Key, error) {
		return apikey.Key{}, apikey.ErrNotFound
	})}
	for _, credentials := range []string{"", "a.b", "a.b.c.d.e", "whk_a", apikey.Generate().Text()} {
		if got, err := ask(t, h.authorize, "Bearer "+credentials); err != nil || got.IsAuthorized {
			t.Errorf("%q: %+v, %v", credentials, got, err)
		}
	}
}

func TestWithoutAProviderJWTsAreDenied(t *testing.T) {
	t.Parallel()
	p := setupPlatform(t)
	for _, name := range []string{"JWT_ISSUER", "JWT_AUDIENCE", "JWT_JWKS_URL"} {
		p.env[name] = ""
	}
	got, err := ask(t, p.start(t), sign(t, p.key, nil))
	if err != nil || got.IsAuthorized || !strings.Contains(p.log.String(), "JWT disabled") {
		t.Errorf("response %+v, %v; log = %s", got, err, p.log)
	}
	if p.provider.Fetches() != 0 {
		t.Error("keys are fetched")
	}
}

func TestIncompleteProviderFailsTheStart(t *testing.T) {
	t.Parallel()
	p := setupPlatform(t)
	tests := []struct {
		name   string
		change map[string]string
		want   string // in the error
	}{
		{name: "no issuer", change: map[string]string{"JWT_ISSUER": ""}, want: "JWT_ISSUER"},
		{name: "no audience", change: map[string]string{"JWT_AUDIENCE": ""}, want: "JWT_AUDIENCE"},
		{name: "no address", change: map[string]string{"JWT_JWKS_URL": ""}, want: "JWT_JWKS_URL"},
		{name: "no audience claim", change: map[string]string{"JWT_AUDIENCE_CLAIM": ""}, want: "JWT_AUDIENCE_CLAIM"},
		{name: "no tenant claim", change: map[string]string{"JWT_TENANT_CLAIM": ""}, want: "JWT_TENANT_CLAIM"},
		{name: "no scope claim", change: map[string]string{"JWT_SCOPE_CLAIM": ""}, want: "JWT_SCOPE_CLAIM"},
		{name: "http on AWS", change: map[string]string{"LOCAL_RECEIVERS": "false"}, want: "scheme"},
		{name: "a private address on AWS", change: map[string]string{"LOCAL_RECEIVERS": "", "JWT_JWKS_URL": "https://10.0.0.1/jwks"}, want: "address"},
		{name: "loopback against real AWS", change: map[string]string{"AWS_ENDPOINT_URL": "https://dynamodb.us-east-1.amazonaws.com"}, want: "LOCAL_RECEIVERS"},
	}
	for _, tt := range tests {
		env := maps.Clone(p.env)
		maps.Copy(env, tt.change)
		_, err := build(slog.New(slog.DiscardHandler), cloudtest.Getenv(t, env))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one that contains %s", tt.name, err, tt.want)
		}
	}
}
