package jwtauth_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/auth"
	"webhooks/shared/auth/jwks"
	"webhooks/shared/auth/jwtauth"
)

// provider is an identity provider as functions/README.md configures it, with an access
// token as it issues them, and tokens of it that must not be accepted.
type provider struct {
	name    string
	cfg     jwtauth.Config
	header  map[string]any // beside kid and alg
	claims  map[string]any
	tenant  string
	refused map[string]jwtauth.Refusal // by the name of the change in changes
	changes map[string]map[string]any
}

func providers() []provider {
	const cognito, entra = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE", "9122040d-6c67-4c5b-b112-36a304b66dad"
	return []provider{
		{
			// https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
			name: "Amazon Cognito",
			cfg: jwtauth.Config{
				Issuer: cognito, Audience: "1example23456789,9example87654321", AudienceClaim: "client_id",
				TenantClaim: "tenant_id", ScopeClaim: "scope", ScopePrefix: "https://api.example.com/",
			},
			header: map[string]any{"typ": nil},
			claims: map[string]any{
				"iss": cognito, "client_id": "9example87654321", "token_use": "access", "sub": "9example87654321", "version": 2, "auth_time": 1769421600,
				"jti": "a1b2", "tenant_id": "acme", "scope": "https://api.example.com/webhooks:read https://api.example.com/logs:read",
			},
			tenant: "acme",
			changes: map[string]map[string]any{
				"an id token":              {"client_id": nil, "aud": "1example23456789", "token_use": "id"},
				"an id token as a client":  {"token_use": "id"},
				"of another client":        {"client_id": "another"},
				"with the audience in aud": {"client_id": nil, "aud": "1example23456789"},
				"of another pool":          {"iss": cognito + "2"},
			},
			refused: map[string]jwtauth.Refusal{
				"an id token": jwtauth.WrongType, "an id token as a client": jwtauth.WrongType, "of another client": jwtauth.WrongAudience,
				"with the audience in aud": jwtauth.NoAudience, "of another pool": jwtauth.WrongIssuer,
			},
		},
		{
			// https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles
			name: "Auth0",
			cfg: jwtauth.Config{
				Issuer: "https://example.eu.auth0.com/", Audience: "https://webhooks.example.com", AudienceClaim: "aud",
				TenantClaim: "org_id", ScopeClaim: "scope",
			},
			header: map[string]any{"typ": "at+jwt"},
			claims: map[string]any{
				"iss": "https://example.eu.auth0.com/", "aud": []any{"https://webhooks.example.com", "https://example.eu.auth0.com/userinfo"},
				"sub": "auth0|7", "azp": "client", "org_id": "org_9ybsU1dN2dKfDkBi", "scope": "openid webhooks:read logs:read",
			},
			tenant:  "org_9ybsU1dN2dKfDkBi",
			changes: map[string]map[string]any{"an id token": {"aud": "client"}},
			refused: map[string]jwtauth.Refusal{"an id token": jwtauth.WrongAudience},
		},
		{
			// https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference
			name: "Entra ID",
			cfg: jwtauth.Config{
				Issuer: "https://login.microsoftonline.com/" + entra + "/v2.0", Audience: "6e74172b-be56-4843-9ff4-e66a39bb12e3", AudienceClaim: "aud",
				TenantClaim: "azp", ScopeClaim: "roles",
			},
			header: map[string]any{"typ": "JWT"},
			claims: map[string]any{
				"iss": "https://login.microsoftonline.com/" + entra + "/v2.0", "aud": "6e74172b-be56-4843-9ff4-e66a39bb12e3", "ver": "2.0", "tid": entra,
				"azp": "0c1ab1d2-7b1f-4f0e-8c8d-6f0f1f2a3b4c", "sub": "AAAA", "roles": []any{"webhooks:read", "logs:read"},
			},
			tenant:  "0c1ab1d2-7b1f-4f0e-8c8d-6f0f1f2a3b4c",
			changes: map[string]map[string]any{"of version 1": {"iss": "https://sts.windows.net/" + entra + "/"}},
			refused: map[string]jwtauth.Refusal{"of version 1": jwtauth.WrongIssuer},
		},
		{
			// https://www.keycloak.org/docs/latest/server_admin/#audience-support
			name: "Keycloak",
			cfg: jwtauth.Config{
				Issuer: "https://id.example.com/realms/platform", Audience: "webhooks", AudienceClaim: "aud", TenantClaim: "tenant_id", ScopeClaim: "scope",
			},
			header: map[string]any{"typ": "JWT"},
			claims: map[string]any{
				"iss": "https://id.example.com/realms/platform", "aud": []any{"webhooks", "account"}, "typ": "Bearer", "azp": "client",
				"sub": "f:1:2", "tenant_id": "acme", "scope": "profile webhooks:read logs:read",
			},
			tenant:  "acme",
			changes: map[string]map[string]any{"without the audience mapper": {"aud": "account"}},
			refused: map[string]jwtauth.Refusal{"without the audience mapper": jwtauth.WrongAudience},
		},
	}
}

func TestTokensOfIdentityProvidersAreAcceptedAsThePageConfiguresThem(t *testing.T) {
	t.Parallel()
	for _, p := range providers() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			b := setupWith(t, p.cfg, jwks.RS256)
			sign := func(change map[string]any) string {
				claims := map[string]any{"exp": b.now.Add(time.Hour).Unix()}
				for _, set := range []map[string]any{p.claims, change} {
					for name, value := range set {
						if claims[name] = value; value == nil {
							delete(claims, name)
						}
					}
				}
				return b.keys[jwks.RS256].Sign(t, claims, p.header)
			}
			caller, err := b.verifier.Verify(t.Context(), sign(nil))
			if err != nil {
				t.Fatal(err)
			}
			want := auth.Caller{TenantID: p.tenant, Scopes: []auth.Scope{auth.WebhooksRead, auth.LogsRead}, Subject: caller.Subject}
			if diff := cmp.Diff(want, caller); diff != "" {
				t.Errorf("caller (-want +got):\n%s", diff)
			}
			for name, change := range p.changes {
				t.Run(name, func(t *testing.T) { b.refused(t, sign(change), p.refused[name]) })
			}
		})
	}
}

func TestOnlyScopesWithThePrefixCount(t *testing.T) {
	t.Parallel()
	b := setupWith(t, jwtauth.Config{
		Issuer: issuer, Audience: audience, AudienceClaim: "aud", TenantClaim: "tenant_id", ScopeClaim: "scope", ScopePrefix: "https://api.example.com/",
	}, jwks.EdDSA)
	for scope, want := range map[string][]auth.Scope{
		"https://api.example.com/webhooks:read":                         {auth.WebhooksRead},
		"webhooks:read":                                                 {}, // of another service
		"https://evil.example.com/webhooks:read":                        {},
		"https://api.example.com/https://api.example.com/webhooks:read": {},
		"https://API.example.com/webhooks:read":                         {},
		"https://api.example.com/ webhooks:read":                        {},
		"https://api.example.com/webhooks:read webhooks:write":          {auth.WebhooksRead},
	} {
		got, err := b.verifier.Verify(t.Context(), b.keys[jwks.EdDSA].Sign(t, b.claims(map[string]any{"scope": scope}), nil))
		if err != nil {
			t.Errorf("%q: %v", scope, err)
		}
		if diff := cmp.Diff(want, got.Scopes); diff != "" {
			t.Errorf("%q (-want +got):\n%s", scope, diff)
		}
	}
}

func TestOneOfSeveralAudiencesIsEnough(t *testing.T) {
	t.Parallel()
	for configured, accepted := range map[string][]string{
		"a":       {"a"},
		"a,b":     {"a", "b"},
		" a , b ": {"a", "b"},
		"a,,":     {"a"},
	} {
		b := setupWith(t, jwtauth.Config{Issuer: issuer, Audience: configured, AudienceClaim: "client_id", TenantClaim: "tenant_id", ScopeClaim: "scope"}, jwks.EdDSA)
		for _, client := range accepted {
			if _, err := b.verifier.Verify(t.Context(), b.keys[jwks.EdDSA].Sign(t, b.claims(map[string]any{"client_id": client}), nil)); err != nil {
				t.Errorf("%q: the client %q: %v", configured, client, err)
			}
		}
		for _, client := range []any{"c", "a,b", "a ", "A", "ab", []any{}, " "} {
			b.refusedAny(t, b.keys[jwks.EdDSA].Sign(t, b.claims(map[string]any{"client_id": client}), nil))
		}
	}
}
