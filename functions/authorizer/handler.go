package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/auth"
	"webhooks/shared/auth/apikey"
	"webhooks/shared/auth/jwtauth"
)

type (
	request  = events.APIGatewayV2CustomAuthorizerV2Request
	response = events.APIGatewayV2CustomAuthorizerSimpleResponse
	// function is what Lambda invokes: payload format 2.0, simple responses.
	function func(context.Context, request) (response, error)
)

// getter reads one key; an unknown one is [apikey.ErrNotFound].
type getter interface {
	Get(ctx context.Context, id string) (apikey.Key, error)
}

// verifier verifies a JWT; one that is no good is a [jwtauth.Refusal].
type verifier interface {
	Verify(ctx context.Context, token string) (auth.Caller, error)
}

type handler struct {
	log    *slog.Logger
	keys   getter
	tokens verifier
	now    func() time.Time
}

// authorize allows or denies, by the form of the token. When it cannot be
// judged (the key cannot be read, no key of the identity provider is known) it
// does neither: the gateway answers 500 and caches nothing, whereas a denial
// would tell a caller with a good token that it is a bad one.
//
// The gateway caches an answer for 60 s. So long does the end of a key or a JWT
// take to reach it: the read is consistent, and adds nothing.
func (h handler) authorize(ctx context.Context, r request) (response, error) {
	credentials := bearer(r.IdentitySource)
	if token, ok := apikey.Parse(credentials); ok {
		return h.byKey(ctx, r, token)
	}
	if jwtauth.Formed(credentials) {
		return h.byJWT(ctx, r, credentials)
	}
	return h.deny(ctx, r, "malformed")
}

// byKey answers for an API key.
func (h handler) byKey(ctx context.Context, r request, token apikey.Token) (response, error) {
	id := slog.String("key_id", token.KeyID)
	key, err := h.keys.Get(ctx, token.KeyID)
	unknown := errors.Is(err, apikey.ErrNotFound)
	if err != nil && !unknown {
		return response{}, fmt.Errorf("authorize: %w", err)
	}
	// An unknown id goes the way of a wrong secret, with the zero key that no
	// token opens: the time does not say which ids exist.
	switch opens := key.Opens(token); {
	case unknown:
		return h.deny(ctx, r, "unknown key", id)
	case !opens:
		return h.deny(ctx, r, "wrong secret", id)
	case key.Expired(h.now()):
		return h.deny(ctx, r, "expired key", id)
	}
	return allow(auth.Caller{TenantID: key.TenantID, Scopes: key.Scopes, KeyID: key.ID}), nil
}

// byJWT answers for a token of the identity provider.
func (h handler) byJWT(ctx context.Context, r request, token string) (response, error) {
	caller, err := h.tokens.Verify(ctx, token)
	var refusal jwtauth.Refusal
	switch {
	case errors.As(err, &refusal):
		return h.deny(ctx, r, "JWT "+string(refusal))
	case err != nil:
		return response{}, fmt.Errorf("authorize: %w", err)
	}
	return allow(caller), nil
}

// allow passes the caller to the functions behind the gateway, which trust it.
func allow(caller auth.Caller) response {
	return response{IsAuthorized: true, Context: caller.Context()}
}

// bearer reads the credentials in the Authorization header (RFC 6750 §2.1; the
// scheme's case does not matter, RFC 9110 §11.1), or nothing. It is taken from
// the identity source, because the case of the name in the headers is the
// client's under SAM CLI.
func bearer(identitySource []string) string {
	if len(identitySource) != 1 {
		return ""
	}
	scheme, credentials, ok := strings.Cut(identitySource[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.Trim(credentials, " ")
}

// deny says no without a reason: that is for the log.
func (h handler) deny(ctx context.Context, r request, reason string, more ...slog.Attr) (response, error) {
	h.log.LogAttrs(ctx, slog.LevelInfo, "denied", append(more, slog.String("reason", reason),
		slog.String("route", r.RouteKey), slog.String("source_ip", r.RequestContext.HTTP.SourceIP))...)
	return response{IsAuthorized: false}, nil
}
