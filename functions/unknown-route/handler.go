package main

import (
	"net/http"
	"slices"
	"strings"

	"webhooks/shared/apperr"
	"webhooks/shared/auth"
	"webhooks/shared/httpapi"
)

// routes holds the methods of every known path, each list as the Allow header
// shows it. It repeats template.yaml, and a test compares the two.
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
		h.paths.Handle(path, http.NotFoundHandler()) // only its pattern is used
	}
	return h
}

// answer says that there is no such route or, when other methods of the path
// are taken, which ones.
func (h handler) answer(r *http.Request, _ auth.Caller) (httpapi.Reply, error) {
	_, path := h.paths.Handler(r)
	methods := h.routes[path]
	if len(methods) == 0 || slices.Contains(methods, r.Method) {
		// The second: a path that is a known one only after its escapes were read.
		return httpapi.Reply{}, apperr.New(apperr.RouteNotFound, httpapi.Excerpt(r.Method+" "+r.URL.Path))
	}
	return httpapi.Reply{}, apperr.New(apperr.WrongMethod, httpapi.Excerpt(r.Method), strings.Join(methods, ", "))
}
