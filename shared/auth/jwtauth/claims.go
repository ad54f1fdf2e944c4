package jwtauth

import (
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"

	"webhooks/shared/auth"
	"webhooks/shared/event"
)

// maxSubject is the maximum length of a subject (OpenID Connect Core 1.0 §2).
const maxSubject = 255

// claims holds the claims of a token. The library checks the claims of RFC 7519
// through the methods of MapClaims, and then calls Validate.
type claims struct {
	jwt.MapClaims
	cfg Config

	caller auth.Caller // set by Validate
}

// UnmarshalJSON refuses duplicate names (RFC 7519 §4): two parsers could read
// different values.
func (c *claims) UnmarshalJSON(text []byte) error { return json.Unmarshal(text, &c.MapClaims) }

// GetAudience returns the values of the configured claim, which the library compares
// with the audiences that it expects.
func (c *claims) GetAudience() (jwt.ClaimStrings, error) {
	return jwt.MapClaims{"aud": c.MapClaims[c.cfg.AudienceClaim]}.GetAudience()
}

// Validate checks what the library does not check, and sets c.caller.
func (c *claims) Validate() error {
	for _, name := range []string{"exp", "nbf"} {
		if !plausible(c.MapClaims[name]) {
			return WrongClaims
		}
	}
	// Amazon Cognito tells its access tokens from others by this claim. An id token says
	// who a user is, not what its bearer may do (RFC 8725 §3.12).
	if use, stated := c.MapClaims["token_use"]; stated && use != "access" {
		return WrongType
	}
	if c.MapClaims[c.cfg.AudienceClaim] == nil {
		return NoAudience
	}
	tenant, _ := c.MapClaims[c.cfg.TenantClaim].(string)
	if !event.ValidID(tenant) {
		return NoTenant
	}
	names, ok := scopeNames(c.MapClaims[c.cfg.ScopeClaim])
	if !ok {
		return WrongClaims
	}
	subject, _ := c.MapClaims["sub"].(string)
	if len(subject) > maxSubject || strings.ContainsFunc(subject, func(r rune) bool { return r <= ' ' || r > '~' }) {
		subject = "" // it is for the audit log only, so the token is not refused
	}
	c.caller = auth.Caller{TenantID: tenant, Scopes: known(names, c.cfg.ScopePrefix), Subject: subject}
	return nil
}

// plausible reports whether a date is between 1970 and 9999. The JWT library converts
// dates from floating point: larger ones overflow and may become dates in the past. It
// refuses a date that is not a number itself, so plausible accepts that.
func plausible(date any) bool {
	seconds, ok := date.(float64)
	return !ok || seconds >= 0 && seconds <= float64(time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC).Unix())
}

// scopeNames returns the names in a string with spaces between them (RFC 8693 §4.2),
// or in an array, which some identity providers use. Absent means none.
func scopeNames(value any) ([]string, bool) {
	switch value := value.(type) {
	case nil:
		return nil, true
	case string:
		return strings.Fields(value), true
	case []any:
		names := make([]string, 0, len(value))
		for _, element := range value {
			name, ok := element.(string)
			if !ok {
				return nil, false
			}
			names = append(names, name)
		}
		return names, true
	}
	return nil, false
}

// known returns the scopes among names, each of which begins with prefix, in the order
// of [auth.Scopes]. Other names are the scopes of other services.
func known(names []string, prefix string) []auth.Scope {
	return slices.DeleteFunc(auth.Scopes(), func(s auth.Scope) bool { return !slices.Contains(names, prefix+string(s)) })
}
