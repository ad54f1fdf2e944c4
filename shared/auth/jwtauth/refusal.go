package jwtauth

import (
	"errors"

	"github.com/golang-jwt/jwt/v5"
)

// Refusal is the error of a token that is refused: why, for the operator's log.
// The caller is told nothing.
type Refusal string

// The refusals.
const (
	Disabled       Refusal = "disabled"        // the stack accepts no JWTs; nothing of the token was read
	TooLong        Refusal = "too long"        // more than [MaxBytes]
	Malformed      Refusal = "malformed"       // not three parts of base64url that hold JSON
	WrongType      Refusal = "wrong type"      // its header says it is no access token, or asks for what we do not know
	WrongAlgorithm Refusal = "wrong algorithm" // none, HMAC, or another that is not accepted
	UnknownKey     Refusal = "unknown key"     // no key id, or none that has a key for the algorithm
	WrongSignature Refusal = "wrong signature"
	Expired        Refusal = "expired"
	NotYetValid    Refusal = "not yet valid"
	WrongIssuer    Refusal = "wrong issuer"
	WrongAudience  Refusal = "wrong audience"
	NoTenant       Refusal = "no tenant"    // its claim is absent or no id of a tenant
	WrongClaims    Refusal = "wrong claims" // no expiry, or a claim of the wrong type
)

// Error says that the token is refused and why.
func (r Refusal) Error() string { return "the token is refused: " + string(r) }

// refusalOf says why the library, or a check of ours that it called, refused.
func refusalOf(err error) Refusal {
	var own Refusal
	if errors.As(err, &own) {
		return own
	}
	// The library joins several reasons into one error: the first one counts.
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
