package httpapi

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"webhooks/shared/apperr"
)

// contentType is the content type of every response with a body.
const contentType = "application/json; charset=utf-8"

// Reply is a successful response. A 204 never has a body (RFC 9110 §15.3.5), so its
// Message and Data are not sent.
type Reply struct {
	Status  int
	Message string // one of apperr's Message constants, or an error's message with its Code
	Data    any
	// Code is 0, except in a reply that reports an error for every item of a batch.
	Code int
	// Created is the id of a new webhook, for the log, or 0.
	Created int64
	// Events holds the valid ids of the request's events, at most 100, for the log. A
	// handler may return them beside an error.
	Events []string
	// Document replaces the envelope if it is not nil.
	Document *Document
}

// Document is a public JSON document that only a deployment changes.
type Document struct {
	Body string // JSON
	ETag string // a strong entity tag with its quotes (RFC 9110 §8.8.3)
	// MaxAge is how long a client may cache the document, in whole seconds.
	MaxAge time.Duration
}

// OK returns a 200 with the message "success" and data.
func OK(data any) Reply {
	return Reply{Status: http.StatusOK, Message: apperr.MessageSuccess, Data: data}
}

// Envelope wraps every response with a body, except a [Document].
type Envelope struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data,omitzero"`
}

func (reply Reply) write(w http.ResponseWriter) error {
	if reply.Status == http.StatusNoContent {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if reply.Document != nil {
		return reply.Document.write(w, reply.Status)
	}
	return writeJSON(w, reply.Status, Envelope{reply.Code, reply.Message, reply.Data})
}

// OKDocument returns a 200 with d, or a 304 if the client of r has d already (RFC
// 9110 §13.1.2).
func OKDocument(r *http.Request, d Document) Reply {
	for _, list := range r.Header.Values("If-None-Match") {
		for tag := range strings.SplitSeq(list, ",") {
			tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
			if tag == d.ETag || tag == "*" {
				return Reply{Status: http.StatusNotModified, Document: &d}
			}
		}
	}
	return Reply{Status: http.StatusOK, Document: &d}
}

func (d Document) write(w http.ResponseWriter, status int) error {
	w.Header().Set("Cache-Control", fmt.Sprintf("public, max-age=%.0f", d.MaxAge.Seconds()))
	w.Header().Set("ETag", d.ETag)
	if status == http.StatusNotModified {
		w.WriteHeader(status)
		return nil
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, err := io.WriteString(w, d.Body)
	return err
}

// writeJSON writes value, or nothing if value cannot be encoded.
func writeJSON(w http.ResponseWriter, status int, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode the response: %w", err)
	}
	w.Header().Set("Content-Type", contentType)
	// Responses may hold secrets, and may change at any time.
	w.Header().Set("Cache-Control", "no-store")
	// Responses quote receivers and callers. No browser may take that for HTML.
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, err = w.Write(body)
	return err
}
