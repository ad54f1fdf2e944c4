package httpapi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"

	"webhooks/shared/apperr"
	"webhooks/shared/apperr/locale"
)

// contentType is that of every answer with a body.
const contentType = "application/json; charset=utf-8"

// Reply is a success: its status, the contract's message and the data. A 204
// has no body whatever else is set (RFC 9110 §15.3.5).
type Reply struct {
	Status  int
	Message string
	Data    any
	// Code is 0, but for a reply that carries several errors at once.
	Code int
	// Created is the id of the webhook that was made, for the log, or 0.
	Created int64
	// Events are the ids of the events that the request is about, checked and at
	// most 100, for the log: beside an error, too.
	Events []string
	// Document, if there is one, is sent as it is and in place of the envelope.
	Document *Document
}

// Document is something public that changes with a deployment only.
type Document struct {
	Body string // JSON
	ETag string // a strong entity tag, quotes included
	// MaxAge is how long a client may keep it without asking again, in whole
	// seconds.
	MaxAge time.Duration
}

// OK is a 200 with the contract's plain "success".
func OK(data any) Reply {
	return Reply{Status: http.StatusOK, Message: apperr.MessageSuccess, Data: data}
}

// Envelope is what every answer with a body is wrapped in.
type Envelope struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data,omitzero"`
}

// EnvelopeOf returns err as the caller of r is told it, where it is a part of the
// answer: the request's id belongs to the whole.
func EnvelopeOf(r *http.Request, err error) Envelope {
	return errorBody(apperr.From(err), LocaleOf(r), "")
}

// StatusOf returns the HTTP status of err.
func StatusOf(err error) int { return statusOf(apperr.From(err).Code()) }

type refusedFields struct {
	Errors []refusedField `json:"errors"`
}

// failed tells a caller whose request failed for a reason of ours how to ask about it.
type failed struct {
	RequestID string `json:"request_id"`
}

type refusedField struct {
	Field   string `json:"field"`
	Message string `json:"message"`
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

// OKDocument is a 200 with d, or a 304 when the client of r has it already (RFC
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

// writeError writes err's envelope and returns the status.
func writeError(w http.ResponseWriter, r *http.Request, err error) int {
	e, l := apperr.From(err), LocaleOf(r)
	status := statusOf(e.Code())
	if e.RetryAfter > 0 {
		// Whole seconds (RFC 9110 §10.2.3), rounded up: a caller who obeys is not
		// refused again.
		w.Header().Set("Retry-After", strconv.Itoa(int((e.RetryAfter+999_999_999)/1_000_000_000)))
	}
	if e.Reason == apperr.WrongMethod && len(e.Args) == 2 {
		// The sentence ends with the methods that the route takes, and RFC 9110
		// §15.5.6 wants them in this header.
		w.Header().Set("Allow", fmt.Sprint(e.Args[1]))
	}
	if writeJSON(w, status, errorBody(e, l, requestID(r))) != nil {
		// Strings and numbers always encode; without this line a mistake here
		// would answer 200 with nothing.
		w.WriteHeader(http.StatusInternalServerError)
	}
	return status
}

func errorBody(e *apperr.Error, l locale.Locale, requestID string) Envelope {
	answer := Envelope{Code: int(e.Reason), Message: e.Message(l)}
	if statusOf(e.Code()) >= http.StatusInternalServerError && requestID != "" {
		answer.Data = failed{requestID}
	}
	if len(e.Fields) > 0 {
		var refused refusedFields
		for _, f := range e.Fields {
			refused.Errors = append(refused.Errors, refusedField{f.Name, f.Message(l)})
		}
		answer.Data = refused
	}
	return answer
}

// writeJSON writes nothing when value cannot be encoded.
func writeJSON(w http.ResponseWriter, status int, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	w.Header().Set("Content-Type", contentType)
	// Answers hold secrets and change at any time.
	w.Header().Set("Cache-Control", "no-store")
	// They repeat what receivers and callers wrote; no browser may take it for a page.
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, err = w.Write(body)
	return err
}

// unreadable answers an event that is no request at all.
func unreadable(request events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPResponse {
	e := apperr.New(apperr.UnreadableTarget)
	body, err := json.Marshal(errorBody(e, locale.Negotiate(request.Headers["accept-language"]), ""))
	if err != nil {
		return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusInternalServerError}
	}
	return events.APIGatewayV2HTTPResponse{
		StatusCode: statusOf(e.Code()),
		Headers:    map[string]string{"content-type": contentType},
		Body:       string(body),
	}
}

// ReadBody returns the request's body, or a BodyTooLarge error when it exceeds
// the route's limit.
func ReadBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, apperr.New(apperr.BodyTooLarge, tooLarge.Limit)
	}
	if err != nil {
		return nil, fmt.Errorf("read the request body: %w", err)
	}
	return body, nil
}

// statusOf is the one table from codes to HTTP statuses.
func statusOf(code apperr.Code) int {
	switch code {
	case apperr.Invalid:
		return http.StatusBadRequest
	case apperr.Unauthenticated:
		return http.StatusUnauthorized
	case apperr.Forbidden:
		return http.StatusForbidden
	case apperr.NotFound:
		return http.StatusNotFound
	case apperr.MethodNotAllowed:
		return http.StatusMethodNotAllowed
	case apperr.Conflict:
		return http.StatusConflict
	case apperr.TooLarge:
		return http.StatusRequestEntityTooLarge
	case apperr.RateLimited:
		return http.StatusTooManyRequests
	case apperr.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
