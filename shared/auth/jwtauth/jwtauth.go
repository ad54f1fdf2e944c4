// Package jwtauth verifies JSON Web Tokens (RFC 7519) that an identity provider
// issues, as RFC 8725 advises: the operator fixes algorithms, issuer and
// audience, the key decides what it may verify, and nothing that a token says
// about itself is believed before its signature.
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

// MaxBytes is the length of the longest token. Identity providers stay below
// it, because the gateway takes no more than 10 KB of headers.
const MaxBytes = 8 << 10

// Skew is how far the clocks may be apart: a token is good for so long after
// its end and before its beginning.
const Skew = 60 * time.Second

// Config says which tokens are accepted. All of it is required.
type Config struct {
	Issuer      string // the iss claim, exactly
	Audience    string // the aud claim, or one element of it, exactly
	TenantClaim string // the claim that holds the tenant's id
	ScopeClaim  string // the claim that holds the scopes: a string of names between spaces, or an array
}

// Keys finds the keys that may verify a token, see [jwks.Keys.Find].
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

// New returns a verifier. It fails when cfg is incomplete: the library takes an
// empty issuer for leave to accept any.
func New(cfg Config, keys Keys, now func() time.Time) (*Verifier, error) {
	if cfg.Issuer == "" || cfg.Audience == "" || cfg.TenantClaim == "" || cfg.ScopeClaim == "" {
		return nil, errors.New("JWTs need an issuer, an audience, a tenant claim and a scope claim")
	}
	options := []jwt.ParserOption{
		jwt.WithValidMethods(jwks.Algorithms()),
		jwt.WithIssuer(cfg.Issuer), jwt.WithAudience(cfg.Audience), jwt.WithExpirationRequired(),
		jwt.WithLeeway(Skew), jwt.WithTimeFunc(now),
		// Otherwise a last character could change and the token still verify.
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
	case !HasForm(text) || strings.ContainsFunc(text, foreign):
		return auth.Caller{}, Malformed
	}
	c := &claims{tenantClaim: v.cfg.TenantClaim, scopeClaim: v.cfg.ScopeClaim}
	token, err := v.parser.ParseWithClaims(text, c, func(token *jwt.Token) (any, error) { return v.verifiers(ctx, token) })
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

// foreign reports whether a compact token cannot have r. Go's base64 decoder
// passes over line breaks.
func foreign(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_', r == '.':
		return false
	}
	return true
}

// wrongAlgorithm tells apart two failures for which the library has one error.
func wrongAlgorithm(token *jwt.Token) bool {
	name, _ := token.Header["alg"].(string)
	return !slices.Contains(jwks.Algorithms(), name)
}

// verifiers returns the keys for a token whose algorithm is accepted.
//
// The claims are checked here already, and once more by the library after the
// signature: what would be refused anyway need not ask for a key, and so cannot
// make us call the identity provider.
func (v *Verifier) verifiers(ctx context.Context, token *jwt.Token) (any, error) {
	if !accepted(token.Header) {
		return nil, WrongType
	}
	if err := v.validator.Validate(token.Claims); err != nil {
		return nil, err
	}
	// Without a key id no rotation can be noticed. Identity providers set it.
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

// accepted checks what else the header may say. A critical extension must be
// understood or the token refused (RFC 7515 §4.1.11), and we understand none. A
// token with a type of its own, such as a logout token, has another purpose
// (RFC 8725 §3.11); at+jwt is an access token (RFC 9068 §2.1).
func accepted(header map[string]any) bool {
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
