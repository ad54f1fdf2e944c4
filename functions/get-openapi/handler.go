package main

import (
	"net/http"
	"time"

	"webhooks/shared/auth"
	"webhooks/shared/httpapi"
)

// maxAge is short enough that nobody reads an outdated document for long after
// a deployment, and long enough that a tool which loads it in a loop does not
// come here every time.
const maxAge = 5 * time.Minute

type handler struct {
	document httpapi.Document
}

func (h handler) route() httpapi.Route {
	return httpapi.Route{Pattern: "GET /api/v1/openapi.json", Handle: h.get}
}

func (h handler) get(r *http.Request, _ auth.Caller) (httpapi.Reply, error) {
	return httpapi.OKDocument(r, h.document), nil
}
