// Package jwtauth verifies the JSON Web Tokens (RFC 7519) of an identity provider, as
// RFC 8725 recommends. The code fixes the algorithms; the operator configures the
// issuer and the audience. The key, not the token, determines the algorithm. No claim
// is trusted before the signature is verified.
package jwtauth

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"webhooks/shared/auth"
	"webhooks/shared/auth/jwks"
)

// MaxBytes is the length of the longest token accepted. API Gateway accepts 10 KB of
// headers in all.
const MaxBytes = 8 << 10

// Skew is the accepted difference between the clocks: a token is valid from Skew
// before its nbf until Skew after its exp.
const Skew = 60 * time.Second

// Config determines which tokens are accepted. Every field but ScopePrefix is required.
type Config struct {
	Issuer        string // equals the iss claim
	Audience      string // one or more with commas between them; one equals the audience claim or one of its elements
	AudienceClaim string // the name of the claim with the audience: aud, or client_id for Amazon Cognito
	TenantClaim   string // the name of the claim with the tenant's id
	ScopeClaim    string // the name of the claim with the scopes: a string with spaces, or an array
	ScopePrefix   string // what the name of each scope begins with; other scopes are ignored
}

// audiences returns the audiences of cfg.
func (cfg Config) audiences() []string {
	var list []string
	for text := range strings.SplitSeq(cfg.Audience, ",") {
		if text = strings.TrimSpace(text); text != "" {
			list = append(list, text)
		}
	}
	return list
}

// Keys finds the keys that may verify a token; see [jwks.Keys.Find].
type Keys interface {
	Find(ctx context.Context, id, algorithm string) ([]crypto.PublicKey, error)
}

// Verifier verifies the tokens of one identity provider. It is safe for
// concurrent use.
type Verifier struct {
	cfg       Config
	keys      Keys
	parser    *jwt.Parser
	validator *jwt.Validator
}

// New returns a verifier. It fails if cfg is incomplete, because the library treats an
// empty issuer as "any".
func New(cfg Config, keys Keys, now func() time.Time) (*Verifier, error) {
	audiences := cfg.audiences()
	if cfg.Issuer == "" || len(audiences) == 0 || cfg.AudienceClaim == "" || cfg.TenantClaim == "" || cfg.ScopeClaim == "" {
		return nil, errors.New("JWTs need an issuer, an audience, an audience claim, a tenant claim and a scope claim")
	}
	options := []jwt.ParserOption{
		jwt.WithValidMethods(jwks.Algorithms()),
		jwt.WithIssuer(cfg.Issuer), jwt.WithAudience(audiences...), jwt.WithExpirationRequired(),
		jwt.WithLeeway(Skew), jwt.WithTimeFunc(now),
		// Otherwise a token with another last character may also verify.
		jwt.WithStrictDecoding(),
	}
	return &Verifier{cfg: cfg, keys: keys, parser: jwt.NewParser(options...), validator: jwt.NewValidator(options...)}, nil
}

// HasForm reports whether text has the form of a JWT: three parts with dots between
// them (RFC 7515 §3.1). An API key has no dot.
func HasForm(text string) bool { return strings.Count(text, ".") == 2 }

// Verify returns the caller whom a token identifies. The error is a [Refusal] if
// the token is invalid. It wraps [jwks.ErrUnavailable] if the keys are
// unavailable; such a token may be valid and must not be refused.
//
// The caller's Subject is the sub claim, or empty if the claim is not a string of
// up to 255 printable ASCII characters.
func (v *Verifier) Verify(ctx context.Context, text string) (auth.Caller, error) {
	switch {
	case len(text) > MaxBytes:
		return auth.Caller{}, TooLong
	case !HasForm(text) || strings.ContainsFunc(text, notCompact):
		return auth.Caller{}, Malformed
	}
	c := &claims{cfg: v.cfg}
	token, err := v.parser.ParseWithClaims(text, c, func(token *jwt.Token) (any, error) { return v.verificationKeys(ctx, token) })
	switch {
	case err == nil:
		return c.caller, nil
	case errors.Is(err, jwks.ErrUnavailable):
		return auth.Caller{}, fmt.Errorf("verify a JWT: %w", err)
	case errors.Is(err, jwt.ErrTokenMalformed):
		return auth.Caller{}, Malformed
	case wrongAlgorithm(token):
		return auth.Caller{}, WrongAlgorithm
	}
	return auth.Caller{}, refusalOf(err)
}

// notCompact reports whether r cannot occur in a JWT in compact form. Go's base64
// decoder ignores line breaks.
func notCompact(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_', r == '.':
		return false
	}
	return true
}

// wrongAlgorithm reports whether the token's algorithm is not accepted. The library
// has the same error for that and for a wrong signature.
func wrongAlgorithm(token *jwt.Token) bool {
	name, _ := token.Header["alg"].(string)
	return !slices.Contains(jwks.Algorithms(), name)
}

// verificationKeys returns the keys for a token whose algorithm is accepted.
//
// It checks the claims before it looks a key up, so that a token with invalid claims
// cannot trigger a fetch from the identity provider. The library checks them again
// after the signature.
func (v *Verifier) verificationKeys(ctx context.Context, token *jwt.Token) (any, error) {
	if !acceptedHeader(token.Header) {
		return nil, WrongType
	}
	if err := v.validator.Validate(token.Claims); err != nil {
		return nil, err
	}
	// Without a key id, a token of a rotated key looks like a forged one. Identity
	// providers set the id.
	id, _ := token.Header["kid"].(string)
	if id == "" {
		return nil, UnknownKey
	}
	found, err := v.keys.Find(ctx, id, token.Method.Alg())
	if errors.Is(err, jwks.ErrNoKey) {
		return nil, UnknownKey
	}
	if err != nil {
		return nil, err
	}
	var set jwt.VerificationKeySet
	for _, key := range found {
		set.Keys = append(set.Keys, key)
	}
	return set, nil
}

// acceptedHeader checks crit and typ. It refuses critical extensions, because this
// package implements none (RFC 7515 §4.1.11). It accepts the types JWT and at+jwt, an
// access token (RFC 9068 §2.1); tokens of other types, such as logout tokens, have
// another purpose (RFC 8725 §3.11).
func acceptedHeader(header map[string]any) bool {
	if _, critical := header["crit"]; critical {
		return false
	}
	value, stated := header["typ"]
	if !stated {
		return true
	}
	name, _ := value.(string)
	name = strings.TrimPrefix(strings.ToLower(name), "application/")
	return name == "jwt" || name == "at+jwt"
}
