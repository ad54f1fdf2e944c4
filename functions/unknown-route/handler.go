package main

import (
	"net/http"
	"slices"
	"strings"

	"webhooks/shared/apperr"
	"webhooks/shared/auth"
	"webhooks/shared/httpapi"
)

// routes returns the methods of every path, in the order of the Allow header. A test
// compares them with template.yaml.
func routes() map[string][]string {
	return map[string][]string{
		"/api/v1/events":                                     {"POST"},
		"/api/v1/openapi.json":                               {"GET"},
		"/api/v1/webhooks":                                   {"GET", "POST"},
		"/api/v1/webhooks/{webhook_id}":                      {"DELETE", "GET", "PUT"},
		"/api/v1/webhooks/{webhook_id}/logs":                 {"GET"},
		"/api/v1/webhooks/{webhook_id}/logs/{log_id}/resend": {"POST"},
		"/api/v1/webhooks/{webhook_id}/secret/rotate":        {"POST"},
		"/api/v1/webhooks/{webhook_id}/test":                 {"POST"},
	}
}

type handler struct {
	routes map[string][]string
	paths  *http.ServeMux
}

func newHandler() handler {
	h := handler{routes: routes(), paths: http.NewServeMux()}
	for path := range h.routes {
		h.paths.Handle(path, http.NotFoundHandler()) // answer uses only the pattern
	}
	return h
}

// answer returns WrongMethod if the path has routes with other methods, and
// RouteNotFound if it has none.
func (h handler) answer(r *http.Request, _ auth.Caller) (httpapi.Reply, error) {
	_, path := h.paths.Handler(r)
	methods := h.routes[path]
	if len(methods) == 0 || slices.Contains(methods, r.Method) {
		// The mux compares the decoded path and API Gateway the path as sent, so a
		// path such as /api/v1/webhooks/1%2Flogs matches a route only here.
		return httpapi.Reply{}, apperr.New(apperr.RouteNotFound, r.Method+" "+r.URL.Path)
	}
	return httpapi.Reply{}, apperr.New(apperr.WrongMethod, r.Method, strings.Join(methods, ", "))
}
