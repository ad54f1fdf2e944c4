// Package auth says who calls and what they may do.
package auth

import "slices"

// Scope is a permission that a token carries.
type Scope string

// The scopes. A key issued without a list carries all of them.
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

// Caller is who a token speaks for.
type Caller struct {
	TenantID string
	Scopes   []Scope
	// KeyID names the API key, Subject the sub of the JWT; one of them is empty, and
	// both of a JWT without a usable sub. They are for the log, and decide nothing.
	KeyID   string
	Subject string
}

// May reports whether the caller's token carries s.
func (c Caller) May(s Scope) bool { return slices.Contains(c.Scopes, s) }
