package jwtauth

import (
	"errors"

	"github.com/golang-jwt/jwt/v5"
)

// Refusal is the error for an invalid token. Its text is for the operator's log; the
// caller does not see it.
type Refusal string

// The refusals.
const (
	Disabled       Refusal = "disabled"        // the stack has no identity provider
	TooLong        Refusal = "too long"        // longer than [MaxBytes]
	Malformed      Refusal = "malformed"       // not three parts of base64url with JSON in them
	WrongType      Refusal = "wrong type"      // not an access token, or with a critical extension
	WrongAlgorithm Refusal = "wrong algorithm" // none, HMAC, or another one that is not accepted
	UnknownKey     Refusal = "unknown key"     // no key id, or no key with that id for the algorithm
	WrongSignature Refusal = "wrong signature"
	Expired        Refusal = "expired"
	NotYetValid    Refusal = "not yet valid"
	WrongIssuer    Refusal = "wrong issuer"
	WrongAudience  Refusal = "wrong audience"
	NoAudience     Refusal = "no audience"  // the claim is absent
	NoTenant       Refusal = "no tenant"    // the claim is absent or not a valid tenant id
	WrongClaims    Refusal = "wrong claims" // no expiry, or a claim of the wrong type
)

// Error returns the reason of the refusal.
func (r Refusal) Error() string { return "the token is refused: " + string(r) }

// refusalOf returns the refusal for an error of the library, which may wrap a
// Refusal.
func refusalOf(err error) Refusal {
	var own Refusal
	if errors.As(err, &own) {
		return own
	}
	// The library may join several errors. The first in this list counts.
	for _, reason := range []struct {
		err     error
		refusal Refusal
	}{
		{jwt.ErrTokenSignatureInvalid, WrongSignature},
		{jwt.ErrTokenExpired, Expired},
		{jwt.ErrTokenNotValidYet, NotYetValid},
		{jwt.ErrTokenInvalidIssuer, WrongIssuer},
		{jwt.ErrTokenInvalidAudience, WrongAudience},
	} {
		if errors.Is(err, reason.err) {
			return reason.refusal
		}
	}
	return WrongClaims
}
