package httpapi

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"

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

// writeError writes the envelope of err and returns the status.
func writeError(w http.ResponseWriter, r *http.Request, err error) int {
	e, l := apperr.From(err), LocaleOf(r)
	status := statusOf(e.Code())
	if e.RetryAfter > 0 {
		// The header takes whole seconds (RFC 9110 §10.2.3). Rounding up keeps the
		// caller from retrying too early.
		w.Header().Set("Retry-After", strconv.Itoa(int((e.RetryAfter+time.Second-1)/time.Second)))
	}
	if e.Reason == apperr.WrongMethod && len(e.Args) == 2 {
		// The second argument of the sentence lists the route's methods. RFC 9110
		// §15.5.6 requires them in this header.
		w.Header().Set("Allow", fmt.Sprint(e.Args[1]))
	}
	if writeJSON(w, status, errorBody(e, l, requestID(r))) != nil {
		// Strings and numbers always encode. Without this line a bug in errorBody
		// would answer 200 without a body.
		w.WriteHeader(http.StatusInternalServerError)
	}
	return status
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

// unreadable returns the response to an event that api-proxy cannot parse.
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
	case apperr.RateLimited:
		return http.StatusTooManyRequests
	case apperr.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
