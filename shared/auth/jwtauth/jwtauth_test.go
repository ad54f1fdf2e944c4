package jwtauth_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/auth"
	"webhooks/shared/auth/jwks"
	"webhooks/shared/auth/jwtauth"
)

func TestGoodTokenIsAccepted(t *testing.T) {
	t.Parallel()
	b := setup(t, jwks.Algorithms()...)
	want := auth.Caller{TenantID: "acme", Scopes: []auth.Scope{auth.WebhooksRead, auth.LogsRead}, Subject: "user-1"}
	for _, algorithm := range jwks.Algorithms() {
		for _, typ := range []any{"JWT", "jwt", "at+jwt", "application/at+jwt", nil} {
			token := b.keys[algorithm].Sign(t, b.claims(nil), map[string]any{"typ": typ})
			got, err := b.verifier.Verify(t.Context(), token)
			if err != nil {
				t.Errorf("%s, %v: %v", algorithm, typ, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %v (-want +got):\n%s", algorithm, typ, diff)
			}
		}
	}
}

func TestClaimsAreChecked(t *testing.T) {
	t.Parallel()
	b := setup(t, jwks.EdDSA)
	at := func(d time.Duration) int64 { return b.now.Add(d).Unix() }
	tests := []struct {
		name   string
		change map[string]any
		want   jwtauth.Refusal // empty: accepted
	}{
		{name: "ended 59 s ago", change: map[string]any{"exp": at(-59 * time.Second)}},
		{name: "ended 60 s ago", change: map[string]any{"exp": at(-60 * time.Second)}, want: jwtauth.Expired},
		{name: "ended 61 s ago", change: map[string]any{"exp": at(-61 * time.Second)}, want: jwtauth.Expired},
		{name: "never ends", change: map[string]any{"exp": nil}, want: jwtauth.WrongClaims},
		{name: "ends at 0", change: map[string]any{"exp": 0}, want: jwtauth.WrongClaims},
		{name: "ends before 1970", change: map[string]any{"exp": -1}, want: jwtauth.WrongClaims},
		{name: "ends at a string", change: map[string]any{"exp": fmt.Sprint(at(time.Hour))}, want: jwtauth.WrongClaims},
		{name: "ends after the year 9999", change: map[string]any{"exp": 1e300}, want: jwtauth.WrongClaims},
		{name: "ends at a fraction", change: map[string]any{"exp": float64(at(time.Hour)) + 0.5}},
		{name: "begins in 59 s", change: map[string]any{"nbf": at(59 * time.Second)}},
		{name: "begins in 60 s", change: map[string]any{"nbf": at(60 * time.Second)}},
		{name: "begins in 61 s", change: map[string]any{"nbf": at(61 * time.Second)}, want: jwtauth.NotYetValid},
		{name: "begins after the year 9999", change: map[string]any{"nbf": 1e300}, want: jwtauth.WrongClaims},
		{name: "begins at an array", change: map[string]any{"nbf": []any{}}, want: jwtauth.WrongClaims},
		{name: "issued in the future", change: map[string]any{"iat": at(time.Hour)}},
		{name: "another issuer", change: map[string]any{"iss": "https://evil.example.com/"}, want: jwtauth.WrongIssuer},
		{name: "an issuer without its last character", change: map[string]any{"iss": strings.TrimSuffix(issuer, "/")}, want: jwtauth.WrongIssuer},
		{name: "an issuer in upper case", change: map[string]any{"iss": strings.ToUpper(issuer)}, want: jwtauth.WrongIssuer},
		{name: "no issuer", change: map[string]any{"iss": nil}, want: jwtauth.WrongClaims},
		{name: "an array of issuers", change: map[string]any{"iss": []any{issuer}}, want: jwtauth.WrongClaims},
		{name: "another audience", change: map[string]any{"aud": "https://other.example.com"}, want: jwtauth.WrongAudience},
		{name: "an audience with one more character", change: map[string]any{"aud": audience + "/"}, want: jwtauth.WrongAudience},
		{name: "no audience", change: map[string]any{"aud": nil}, want: jwtauth.NoAudience},
		{name: "an empty audience", change: map[string]any{"aud": ""}, want: jwtauth.WrongClaims},
		{name: "no list of audiences", change: map[string]any{"aud": []any{}}, want: jwtauth.WrongClaims},
		{name: "only a client", change: map[string]any{"aud": nil, "client_id": audience}, want: jwtauth.NoAudience},
		{name: "an id token", change: map[string]any{"token_use": "id"}, want: jwtauth.WrongType},
		{name: "a use of another type", change: map[string]any{"token_use": []any{"access"}}, want: jwtauth.WrongType},
		{name: "an access token", change: map[string]any{"token_use": "access"}},
		{name: "several audiences", change: map[string]any{"aud": []any{"https://other.example.com", audience}}},
		{name: "several other audiences", change: map[string]any{"aud": []any{"a", "b"}}, want: jwtauth.WrongAudience},
		{name: "audiences of another type", change: map[string]any{"aud": []any{audience, 1}}, want: jwtauth.WrongClaims},
		{name: "no tenant", change: map[string]any{"tenant_id": nil}, want: jwtauth.NoTenant},
		{name: "an empty tenant", change: map[string]any{"tenant_id": ""}, want: jwtauth.NoTenant},
		{name: "a tenant with a separator", change: map[string]any{"tenant_id": "acme#1"}, want: jwtauth.NoTenant},
		{name: "a tenant of 65 characters", change: map[string]any{"tenant_id": strings.Repeat("a", 65)}, want: jwtauth.NoTenant},
		{name: "a tenant that is a number", change: map[string]any{"tenant_id": 7}, want: jwtauth.NoTenant},
		{name: "an array of tenants", change: map[string]any{"tenant_id": []any{"acme"}}, want: jwtauth.NoTenant},
		{name: "a claim in other case", change: map[string]any{"tenant_id": nil, "Tenant_ID": "acme"}, want: jwtauth.NoTenant},
		{name: "scopes that are a number", change: map[string]any{"scope": 7}, want: jwtauth.WrongClaims},
		{name: "scopes that are numbers", change: map[string]any{"scope": []any{7}}, want: jwtauth.WrongClaims},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			token := b.keys[jwks.EdDSA].Sign(t, b.claims(tt.change), nil)
			if tt.want != "" {
				b := setup(t) // without keys: invalid claims are refused before the look-up
				b.refused(t, token, tt.want)
				if b.set.finds.Load() != 0 {
					t.Error("a key is looked up for invalid claims")
				}
				return
			}
			if _, err := b.verifier.Verify(t.Context(), token); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestScopesOfEveryForm(t *testing.T) {
	t.Parallel()
	b := setup(t, jwks.EdDSA)
	both := []auth.Scope{auth.WebhooksRead, auth.EventsPublish}
	tests := []struct {
		name  string
		scope any
		want  []auth.Scope
	}{
		{name: "absent", want: []auth.Scope{}},
		{name: "empty", scope: "", want: []auth.Scope{}},
		{name: "string", scope: "events:publish webhooks:read", want: both},
		{name: "string with more spaces", scope: "  events:publish   webhooks:read ", want: both},
		{name: "array", scope: []any{"events:publish", "webhooks:read"}, want: both},
		{name: "empty array", scope: []any{}, want: []auth.Scope{}},
		{name: "array with two names in a string", scope: []any{"events:publish webhooks:read"}, want: []auth.Scope{}},
		{name: "twice", scope: "webhooks:read events:publish webhooks:read", want: both},
		{name: "unknown scopes", scope: "webhooks:read admin events:publish webhooks:*", want: both},
		{name: "other case", scope: "Webhooks:Read", want: []auth.Scope{}},
	}
	for _, tt := range tests {
		got, err := b.verifier.Verify(t.Context(), b.keys[jwks.EdDSA].Sign(t, b.claims(map[string]any{"scope": tt.scope}), nil))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, got.Scopes); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestSubjectIsPrintable(t *testing.T) {
	t.Parallel()
	b := setup(t, jwks.EdDSA)
	long := strings.Repeat("a", 255)
	for subject, want := range map[any]string{
		"auth0|7": "auth0|7", long: long, long + "a": "", "a\nb": "", "a b": "", "é": "", 7: "", nil: "",
	} {
		got, err := b.verifier.Verify(t.Context(), b.keys[jwks.EdDSA].Sign(t, b.claims(map[string]any{"sub": subject}), nil))
		if err != nil || got.Subject != want {
			t.Errorf("the subject of sub %v is %q, %v; want %q", subject, got.Subject, err, want)
		}
	}
}

func TestUnavailableKeysAreNotARefusal(t *testing.T) {
	t.Parallel()
	b := setup(t, jwks.EdDSA)
	b.set.err = fmt.Errorf("find: %w", jwks.ErrUnavailable)
	_, err := b.verifier.Verify(t.Context(), b.keys[jwks.EdDSA].Sign(t, b.claims(nil), nil))
	var refusal jwtauth.Refusal
	if !errors.Is(err, jwks.ErrUnavailable) || errors.As(err, &refusal) {
		t.Errorf("error %v, want ErrUnavailable", err)
	}
}

func TestIncompleteConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	whole := jwtauth.Config{Issuer: "i", Audience: "a", AudienceClaim: "aud", TenantClaim: "t", ScopeClaim: "s"}
	for _, cut := range []func(*jwtauth.Config){
		func(c *jwtauth.Config) { c.Issuer = "" }, func(c *jwtauth.Config) { c.Audience = "" },
		func(c *jwtauth.Config) { c.Audience = " , " }, func(c *jwtauth.Config) { c.AudienceClaim = "" },
		func(c *jwtauth.Config) { c.TenantClaim = "" }, func(c *jwtauth.Config) { c.ScopeClaim = "" },
	} {
		cfg := whole
		cut(&cfg)
		if _, err := jwtauth.New(cfg, &keySet{}, time.Now); err == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
}
