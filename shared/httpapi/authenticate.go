package httpapi

import (
	"net/http"

	"webhooks/shared/apperr"
	"webhooks/shared/auth"
)

// callerOf returns the caller whom the authorizer identified, or the zero Caller
// on a public route, which has no authorizer.
func callerOf(r *http.Request) auth.Caller {
	authorizer := eventOf(r).RequestContext.Authorizer
	if authorizer == nil {
		return auth.Caller{}
	}
	return auth.FromContext(authorizer.Lambda)
}

// authorize returns a NotAuthenticated error (401, code 40101) if the route needs
// a caller and has none, and a MissingScope error (403, code 40301) if the
// caller's token lacks the route's scope.
//
// In production API Gateway and the function authorizer answer first: 401 to a
// request without an Authorization header, 403 to a refused token. So 40101 means
// that the route has lost its authorizer.
func (route Route) authorize(caller auth.Caller) error {
	switch {
	case route.Scope == "":
		return nil
	case caller.TenantID == "":
		return apperr.New(apperr.NotAuthenticated)
	case !caller.May(route.Scope):
		return apperr.New(apperr.MissingScope, string(route.Scope))
	}
	return nil
}
