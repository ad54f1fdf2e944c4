package httpapi

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"webhooks/shared/apperr"
	"webhooks/shared/auth"
)

// logLine is the content of the log line of a request.
type logLine struct {
	caller auth.Caller
	reply  Reply
	status int
	took   time.Duration
	err    error
}

// maxEvents limits the event ids in a line. The largest batch has 100 events; with
// ids of 64 characters they take 6.7 KB.
const maxEvents = 100

// logRequest writes the log line of r: the caller, the route, the source address
// and the result. The line holds no text of the caller, which may be a key in the
// path or a secret in a misspelt field. It names the route by its pattern, webhooks
// and logs by valid ids, and events by ids that the handler has checked. A 4xx
// logs only the error code, which functions/README.md explains; a 5xx logs the
// whole error.
func (a adapter) logRequest(r *http.Request, l logLine) {
	attributes := []slog.Attr{
		slog.String("method", method(r)), slog.String("route", r.Pattern), slog.Int("status", l.status),
		slog.String("tenant_id", l.caller.TenantID), slog.String("source_ip", eventOf(r).RequestContext.HTTP.SourceIP),
		slog.Int64("duration_ms", l.took.Milliseconds()),
	}
	attributes = append(attributes, identity(l.caller)...)
	if a.route.Audit != "" {
		attributes = append(attributes, slog.String("audit", a.route.Audit))
	}
	for _, name := range []string{"webhook_id", "log_id"} {
		if id, ok := pathID(r, name); ok {
			attributes = append(attributes, slog.Int64(name, id))
		}
	}
	if l.reply.Created != 0 {
		attributes = append(attributes, slog.Int64("webhook_id", l.reply.Created))
	}
	switch ids := l.reply.Events[:min(len(l.reply.Events), maxEvents)]; len(ids) {
	case 0:
	case 1:
		attributes = append(attributes, slog.String("event_id", ids[0]))
	default:
		attributes = append(attributes, slog.Any("event_ids", ids))
	}
	level := slog.LevelInfo
	switch {
	case l.err == nil:
	case l.status < http.StatusInternalServerError:
		attributes = append(attributes, slog.Int("code", int(apperr.From(l.err).Reason)))
		if apperr.Is(l.err, apperr.ChangedMeanwhile) {
			// The tenant's writes wait for each other. Its cause is DynamoDB's text.
			level = slog.LevelWarn
			attributes = append(attributes, slog.String("error", l.err.Error()))
		}
	default:
		level = slog.LevelError
		attributes = append(attributes, slog.String("error", l.err.Error()))
		var p panicError
		if errors.As(l.err, &p) {
			attributes = append(attributes, slog.String("stack", string(p.stack)))
		}
	}
	a.log.LogAttrs(r.Context(), level, "request", attributes...)
}

// identity returns the id of the caller's API key or the subject of its JWT.
func identity(caller auth.Caller) []slog.Attr {
	var list []slog.Attr
	if caller.KeyID != "" {
		list = append(list, slog.String("key_id", caller.KeyID))
	}
	if caller.Subject != "" {
		list = append(list, slog.String("subject", caller.Subject))
	}
	return list
}

// method returns the method of r, or "other" for one that HTTP does not define,
// which is text of the caller.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return r.Method
	}
	return "other"
}

// requestID returns the id of the Lambda invocation, which every log line of the
// invocation has, or "" outside Lambda.
func requestID(r *http.Request) string {
	if lambda, ok := lambdacontext.FromContext(r.Context()); ok {
		return lambda.AwsRequestID
	}
	return ""
}

// panicError is the panic of a handler, with its stack.
type panicError struct {
	value any
	stack []byte
}

// Error returns the text of a panic with an error or a string, which come from the
// Go runtime or our own code. It leaves out other values, which may hold data of a
// caller.
func (p panicError) Error() string {
	if err, ok := p.value.(error); ok {
		return "panic: " + err.Error()
	}
	if text, ok := p.value.(string); ok {
		return "panic: " + text
	}
	return "panic"
}
