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
	// function is the Lambda function: payload format 2.0, simple responses.
	function func(context.Context, request) (response, error)
)

// getter reads a key, or returns [apikey.ErrNotFound].
type getter interface {
	Get(ctx context.Context, id string) (apikey.Key, error)
}

// verifier verifies a JWT. The error for an invalid one is a [jwtauth.Refusal].
type verifier interface {
	Verify(ctx context.Context, token string) (auth.Caller, error)
}

type handler struct {
	log  *slog.Logger
	keys getter
	jwts verifier
	from origin
	now  func() time.Time
}

// authorize allows or denies a request by its API key or its JWT. It returns an
// error if it cannot check the token, because the table or the keys of the identity
// provider are unavailable. API Gateway then answers 500 and caches nothing; a
// denial would reject a valid token.
//
// API Gateway caches a response for 60 s, so a revoked or expired token works for up
// to 60 s. With an origin secret it caches nothing: it knows responses by the token
// alone, and would let a call past CloudFront in. The strongly consistent read of the key adds no delay to that.
func (h handler) authorize(ctx context.Context, r request) (response, error) {
	if !h.from.passed(r.Headers) {
		return h.deny(ctx, r, "not through the origin")
	}
	credentials := bearer(r.IdentitySource)
	if token, ok := apikey.Parse(credentials); ok {
		return h.authorizeKey(ctx, r, token)
	}
	if jwtauth.HasForm(credentials) {
		return h.authorizeJWT(ctx, r, credentials)
	}
	return h.deny(ctx, r, "malformed")
}

// authorizeKey allows or denies an API key.
func (h handler) authorizeKey(ctx context.Context, r request, token apikey.Token) (response, error) {
	id := slog.String("key_id", token.KeyID)
	key, err := h.keys.Get(ctx, token.KeyID)
	unknown := errors.Is(err, apikey.ErrNotFound)
	if err != nil && !unknown {
		return response{}, fmt.Errorf("authorize: %w", err)
	}
	// An unknown id takes as long as a wrong secret, so the time does not reveal which
	// ids exist: the zero key is compared too, and matches no token.
	switch matches := key.Matches(token); {
	case unknown:
		return h.deny(ctx, r, "unknown key", id)
	case !matches:
		return h.deny(ctx, r, "wrong secret", id)
	case key.Expired(h.now()):
		return h.deny(ctx, r, "expired key", id)
	}
	return allow(auth.Caller{TenantID: key.TenantID, Scopes: key.Scopes, KeyID: key.ID}), nil
}

// authorizeJWT allows or denies a token of the identity provider.
func (h handler) authorizeJWT(ctx context.Context, r request, token string) (response, error) {
	caller, err := h.jwts.Verify(ctx, token)
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

// bearer returns the credentials of the Authorization header (RFC 6750 §2.1; the
// case of the scheme does not matter, RFC 9110 §11.1), or "". It reads the identity
// source, because SAM CLI leaves the names of headers in the client's case.
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

// deny denies the request and logs the reason, which the caller does not see.
func (h handler) deny(ctx context.Context, r request, reason string, more ...slog.Attr) (response, error) {
	h.log.LogAttrs(ctx, slog.LevelInfo, "denied", append(more, slog.String("reason", reason),
		slog.String("route", r.RouteKey), slog.String("source_ip", r.RequestContext.HTTP.SourceIP))...)
	return response{IsAuthorized: false}, nil
}
