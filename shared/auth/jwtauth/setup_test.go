package jwtauth_test

import (
	"context"
	"crypto"
	"errors"
	"maps"
	"sync/atomic"
	"testing"
	"time"

	"webhooks/shared/auth/jwks"
	"webhooks/shared/auth/jwtauth"
	"webhooks/shared/testkit/jwkstest"
)

const (
	issuer   = "https://id.example.com/"
	audience = "https://webhooks.example.com"
)

// keySet is the provider's keys by id and algorithm. A non-nil err means that the
// provider is down.
type keySet struct {
	keys  map[string]crypto.PublicKey
	err   error
	finds atomic.Int64
}

func (s *keySet) Find(_ context.Context, id, algorithm string) ([]crypto.PublicKey, error) {
	s.finds.Add(1)
	if s.err != nil {
		return nil, s.err
	}
	if key, ok := s.keys[id+" "+algorithm]; ok {
		return []crypto.PublicKey{key}, nil
	}
	return nil, jwks.ErrNoKey
}

// bundle is a verifier, a key of each algorithm and a clock.
type bundle struct {
	verifier *jwtauth.Verifier
	keys     map[string]jwkstest.Key // by algorithm, which is also the id
	set      *keySet
	now      time.Time
}

func setup(t testing.TB, algorithms ...string) *bundle {
	t.Helper()
	return setupWith(t, jwtauth.Config{Issuer: issuer, Audience: audience, AudienceClaim: "aud", TenantClaim: "tenant_id", ScopeClaim: "scope"}, algorithms...)
}

// setupWith is setup with other settings.
func setupWith(t testing.TB, cfg jwtauth.Config, algorithms ...string) *bundle {
	t.Helper()
	b := &bundle{
		keys: map[string]jwkstest.Key{}, set: &keySet{keys: map[string]crypto.PublicKey{}},
		now: time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC),
	}
	for _, algorithm := range algorithms {
		key := jwkstest.NewKey(t, algorithm, algorithm)
		b.keys[algorithm] = key
		b.set.keys[algorithm+" "+algorithm] = key.Private.Public()
	}
	var err error
	b.verifier, err = jwtauth.New(cfg, b.set, func() time.Time { return b.now })
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// claims returns valid claims with changes; a nil removes a claim.
func (b *bundle) claims(changes map[string]any) map[string]any {
	result := map[string]any{
		"iss": issuer, "aud": audience, "sub": "user-1", "exp": b.now.Add(time.Hour).Unix(),
		"tenant_id": "acme", "scope": "openid webhooks:read logs:read",
	}
	maps.Copy(result, changes)
	maps.DeleteFunc(result, func(_ string, value any) bool { return value == nil })
	return result
}

// refusedAny checks that a token is refused.
func (b *bundle) refusedAny(t *testing.T, token string) {
	t.Helper()
	var refusal jwtauth.Refusal
	if caller, err := b.verifier.Verify(t.Context(), token); !errors.As(err, &refusal) {
		t.Errorf("a token is accepted for %+v, or its error is %v", caller, err)
	}
}

// refused checks that a token is refused for the reason want.
func (b *bundle) refused(t *testing.T, token string, want jwtauth.Refusal) {
	t.Helper()
	caller, err := b.verifier.Verify(t.Context(), token)
	var refusal jwtauth.Refusal
	if !errors.As(err, &refusal) || refusal != want {
		t.Errorf("error %v, want the refusal %q", err, want)
	}
	if caller.TenantID != "" || caller.Scopes != nil || caller.Subject != "" {
		t.Errorf("a refused token has the caller %+v", caller)
	}
}
