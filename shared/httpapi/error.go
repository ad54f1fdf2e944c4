package httpapi

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"webhooks/shared/apperr"
	"webhooks/shared/apperr/locale"
)

// EnvelopeOf returns the envelope of err in the language of r, for a response
// that holds it as a part. It has no request id: that belongs to the whole response.
func EnvelopeOf(r *http.Request, err error) Envelope {
	return errorBody(apperr.From(err), LocaleOf(r), "")
}

// StatusOf returns the HTTP status of err: 500 unless its chain holds an
// [apperr.Error] with another code.
func StatusOf(err error) int { return statusOf(apperr.From(err).Code()) }

// writeError writes the envelope of err. It returns the status, and the error that it
// answered: err, or why err could not be answered.
func writeError(w http.ResponseWriter, r *http.Request, err error) (int, error) {
	e, l := apperr.From(err), LocaleOf(r)
	status := statusOf(e.Code())
	setHeaders(w.Header(), e)
	if failed := writeJSON(w, status, errorBody(e, l, requestID(r))); failed != nil {
		// Strings and numbers always encode, and their number and length are limited.
		// So this is a bug; the answer to it has neither fields nor arguments.
		return writeError(w, r, apperr.Wrap(failed, apperr.InternalError))
	}
	return status, err
}

// unavailableFor is the wait of the header Retry-After when the error does not say
// how long the service is unavailable.
const unavailableFor = 5 * time.Second

// setHeaders sets the headers of an error.
func setHeaders(h http.Header, e *apperr.Error) {
	wait := e.RetryAfter
	if wait == 0 && e.Code() == apperr.Unavailable {
		wait = unavailableFor
	}
	if wait > 0 {
		// The header takes whole seconds (RFC 9110 §10.2.3). Rounding up keeps the
		// caller from retrying too early.
		h.Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	}
	if e.Reason == apperr.WrongMethod && len(e.Args) == 2 {
		// The second argument of the sentence lists the route's methods. RFC 9110
		// §15.5.6 requires them in this header.
		h.Set("Allow", fmt.Sprint(e.Args[1]))
	}
	if e.Reason == apperr.UnsupportedCoding {
		// It tells the client which codings it may use (RFC 9110 §15.5.16).
		h.Set("Accept-Encoding", "identity")
	}
}

func errorBody(e *apperr.Error, l locale.Locale, requestID string) Envelope {
	answer := Envelope{Code: int(e.Reason), Message: e.Message(l)}
	if statusOf(e.Code()) >= http.StatusInternalServerError && requestID != "" {
		answer.Data = failure{requestID}
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

type refusedFields struct {
	Errors []refusedField `json:"errors"`
}

// failure is the data of a 5xx response. The request id finds the log lines of an
// error that a caller reports.
type failure struct {
	RequestID string `json:"request_id"`
}

type refusedField struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// statusOf returns the HTTP status of a code. This is the only such table.
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
	case apperr.Unsupported:
		return http.StatusUnsupportedMediaType
	case apperr.RateLimited:
		return http.StatusTooManyRequests
	case apperr.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
