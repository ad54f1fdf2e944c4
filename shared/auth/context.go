package auth

import "strings"

// Context returns c as the authorizer's context, which API Gateway passes to the
// functions behind it. Its values are strings, so the scopes are one string with
// spaces between them (RFC 6749 §3.3).
func (c Caller) Context() map[string]any {
	names := make([]string, 0, len(c.Scopes))
	for _, scope := range c.Scopes {
		names = append(names, string(scope))
	}
	context := map[string]any{"tenant_id": c.TenantID, "scopes": strings.Join(names, " ")}
	if c.KeyID != "" {
		context["key_id"] = c.KeyID
	} else {
		context["subject"] = c.Subject
	}
	return context
}

// FromContext returns the caller whom an authorizer's context describes (see
// [Caller.Context]), or the zero Caller for a context without a tenant.
func FromContext(context map[string]any) Caller {
	text := func(name string) string {
		value, _ := context[name].(string)
		return value
	}
	c := Caller{TenantID: text("tenant_id"), KeyID: text("key_id"), Subject: text("subject")}
	for name := range strings.FieldsSeq(text("scopes")) {
		c.Scopes = append(c.Scopes, Scope(name))
	}
	return c
}
