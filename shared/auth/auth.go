// Package auth describes the caller of the API: its tenant and its scopes.
package auth

import "slices"

// Scope is a permission of a token.
type Scope string

// The scopes. An API key that is issued without a list of scopes has all of them.
const (
	WebhooksRead  Scope = "webhooks:read"
	WebhooksWrite Scope = "webhooks:write"
	WebhooksTest  Scope = "webhooks:test"
	LogsRead      Scope = "logs:read"
	EventsPublish Scope = "events:publish"
)

// Scopes returns every scope.
func Scopes() []Scope {
	return []Scope{WebhooksRead, WebhooksWrite, WebhooksTest, LogsRead, EventsPublish}
}

// Caller is the caller whom a token identifies.
type Caller struct {
	TenantID string
	Scopes   []Scope
	// KeyID is the id of the API key, or Subject the sub claim of the JWT. Both are
	// empty for a JWT without a valid sub. They are for the log only.
	KeyID   string
	Subject string
}

// May reports whether the caller's token has scope s.
func (c Caller) May(s Scope) bool { return slices.Contains(c.Scopes, s) }
