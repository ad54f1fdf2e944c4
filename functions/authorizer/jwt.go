package main

import (
	"context"
	"log/slog"
	"time"

	"webhooks/shared/auth"
	"webhooks/shared/auth/jwks"
	"webhooks/shared/auth/jwksdb"
	"webhooks/shared/auth/jwtauth"
	"webhooks/shared/aws/boot"
	"webhooks/shared/guard"
)

// newVerifier returns the verifier of JWTs that the variables JWT_… configure. It
// makes no request: the first JWT causes the first fetch of keys. It fails if only
// some of the variables are set.
func newVerifier(log *slog.Logger, db jwksdb.DynamoDB, table string, getenv func(string) string) (verifier, error) {
	if getenv("JWT_ISSUER") == "" && getenv("JWT_AUDIENCE") == "" && getenv("JWT_JWKS_URL") == "" {
		return noProvider{}, nil
	}
	settings := boot.NewSettings(getenv)
	url := settings.Required("JWT_JWKS_URL")
	cfg := jwtauth.Config{
		Issuer: settings.Required("JWT_ISSUER"), Audience: settings.Required("JWT_AUDIENCE"), AudienceClaim: settings.Required("JWT_AUDIENCE_CLAIM"),
		TenantClaim: settings.Required("JWT_TENANT_CLAIM"), ScopeClaim: settings.Required("JWT_SCOPE_CLAIM"), ScopePrefix: getenv("JWT_SCOPE_PREFIX"),
	}
	if err := settings.Err(); err != nil {
		return nil, err
	}
	g, err := guard.FromEnv(getenv)
	if err != nil {
		return nil, err
	}
	client, err := jwks.NewClient(g, url)
	if err != nil {
		return nil, err
	}
	return jwtauth.New(cfg, jwks.New(log, client, jwksdb.New(db, table, url), time.Now), time.Now)
}

// noProvider refuses every JWT, in a stack without an identity provider.
type noProvider struct{}

func (noProvider) Verify(context.Context, string) (auth.Caller, error) {
	return auth.Caller{}, jwtauth.Disabled
}
