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

// maxSubject is the length of the longest subject (OpenID Connect Core 1.0 §2).
const maxSubject = 255

// claims are a token's claims. The library checks those of RFC 7519 through the
// methods of MapClaims, and then calls Validate.
type claims struct {
	jwt.MapClaims
	tenantClaim, scopeClaim string

	caller auth.Caller // set by Validate
}

// UnmarshalJSON reads strictly: a name that occurs twice is refused (RFC 7519
// §4), because two readers could take two different values for it.
func (c *claims) UnmarshalJSON(text []byte) error { return json.Unmarshal(text, &c.MapClaims) }

// Validate checks what the library does not check, and sets c.caller.
func (c *claims) Validate() error {
	for _, name := range []string{"exp", "nbf"} {
		if !plausible(c.MapClaims[name]) {
			return WrongClaims
		}
	}
	tenant, _ := c.MapClaims[c.tenantClaim].(string)
	if !event.ValidID(tenant) {
		return NoTenant
	}
	names, ok := scopeNames(c.MapClaims[c.scopeClaim])
	if !ok {
		return WrongClaims
	}
	subject, _ := c.MapClaims["sub"].(string)
	if len(subject) > maxSubject || strings.ContainsFunc(subject, func(r rune) bool { return r <= ' ' || r > '~' }) {
		subject = "" // for the audit log alone: no reason to refuse
	}
	c.caller = auth.Caller{TenantID: tenant, Scopes: known(names), Subject: subject}
	return nil
}

// plausible refuses dates that overflow when the library converts them from
// floating point, which may turn a far future into the past. An absent date is
// the library's to judge.
func plausible(date any) bool {
	seconds, ok := date.(float64)
	return !ok || seconds >= 0 && seconds <= float64(time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC).Unix())
}

// scopeNames reads a string of names between spaces (RFC 8693 §4.2), or an array
// of names, as some identity providers have it. Absent means none.
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

// known returns the scopes among names, in the order of [auth.Scopes]. Others
// are meant for other services.
func known(names []string) []auth.Scope {
	return slices.DeleteFunc(auth.Scopes(), func(s auth.Scope) bool { return !slices.Contains(names, string(s)) })
}
