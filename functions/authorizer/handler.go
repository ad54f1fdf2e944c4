package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/apikey"
	"webhooks/shared/auth"
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

type handler struct {
	log  *slog.Logger
	keys getter
	now  func() time.Time
}

// authorize allows or denies. When the key cannot be read it does neither: the
// gateway answers 500 and caches nothing, whereas a denial would tell a caller
// with a good key that it is a bad one.
//
// The gateway caches an answer for 60 s. So does a key's end take to reach it:
// the read is consistent, and adds nothing.
func (h handler) authorize(ctx context.Context, r request) (response, error) {
	token, ok := bearer(r.IdentitySource)
	if !ok {
		return h.deny(ctx, r, "", "malformed")
	}
	key, err := h.keys.Get(ctx, token.KeyID)
	unknown := errors.Is(err, apikey.ErrNotFound)
	if err != nil && !unknown {
		return response{}, fmt.Errorf("authorize: %w", err)
	}
	// An unknown id goes the way of a wrong secret, with the zero key that no
	// token opens: the time does not say which ids exist.
	switch opens := key.Opens(token); {
	case unknown:
		return h.deny(ctx, r, token.KeyID, "unknown key")
	case !opens:
		return h.deny(ctx, r, token.KeyID, "wrong secret")
	case key.Expired(h.now()):
		return h.deny(ctx, r, token.KeyID, "expired key")
	}
	return response{IsAuthorized: true, Context: map[string]any{
		"tenant_id": key.TenantID, "scopes": scopeList(key.Scopes), "key_id": key.ID,
	}}, nil
}

// bearer reads the Authorization header (RFC 6750 §2.1; the scheme's case does
// not matter, RFC 9110 §11.1). It is taken from the identity source, because
// the case of the name in the headers is the client's under SAM CLI.
func bearer(identitySource []string) (apikey.Token, bool) {
	if len(identitySource) != 1 {
		return apikey.Token{}, false
	}
	scheme, credentials, ok := strings.Cut(identitySource[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return apikey.Token{}, false
	}
	return apikey.Parse(strings.Trim(credentials, " "))
}

// deny says no without a reason: that is for the log.
func (h handler) deny(ctx context.Context, r request, keyID, reason string) (response, error) {
	h.log.LogAttrs(ctx, slog.LevelInfo, "denied",
		slog.String("reason", reason), slog.String("key_id", keyID),
		slog.String("route", r.RouteKey), slog.String("source_ip", r.RequestContext.HTTP.SourceIP))
	return response{IsAuthorized: false}, nil
}

// scopeList joins scopes with spaces (as OAuth does, RFC 6749 §3.3), because
// the gateway hands on strings.
func scopeList(scopes []auth.Scope) string {
	names := make([]string, 0, len(scopes))
	for _, scope := range scopes {
		names = append(names, string(scope))
	}
	return strings.Join(names, " ")
}
