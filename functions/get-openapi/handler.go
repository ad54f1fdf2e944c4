package main

import (
	"net/http"
	"time"

	"webhooks/shared/auth"
	"webhooks/shared/httpapi"
)

// maxAge is how long clients may cache the document, and so how long a copy is outdated
// after a deployment. A tool that loads the document in a loop does not invoke the
// function every time.
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
