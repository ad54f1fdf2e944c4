package httpapi

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"

	"webhooks/shared/apperr"
	"webhooks/shared/auth"
)

// line is what the log says about a request.
type line struct {
	caller auth.Caller
	reply  Reply
	status int
	took   time.Duration
	err    error
}

// maxEvents is how many ids of events a line holds: a whole batch, of 6.7 KB if
// every id has its 64 characters.
const maxEvents = 100

// logRequest writes the one line about r: who asked for what, from where, and
// what came of it. Nothing in it is the caller's own text, which may hold a key in
// a path or a secret in a misspelt field: ids are numbers, or those of events, that
// were checked, the path is the route's pattern, and of a refusal the code alone is written, which
// functions/README.md explains. Errors of ours are written in full.
func (a adapter) logRequest(r *http.Request, l line) {
	attributes := []slog.Attr{
		slog.String("method", method(r)), slog.String("route", r.Pattern), slog.Int("status", l.status),
		slog.String("tenant_id", l.caller.TenantID), slog.String("source_ip", gatewayOf(r).HTTP.SourceIP),
		slog.Int64("duration_ms", l.took.Milliseconds()),
	}
	attributes = append(attributes, credentials(l.caller)...)
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

// credentials names what the caller showed: an API key, or a JWT by its subject.
func credentials(caller auth.Caller) []slog.Attr {
	var list []slog.Attr
	if caller.KeyID != "" {
		list = append(list, slog.String("key_id", caller.KeyID))
	}
	if caller.Subject != "" {
		list = append(list, slog.String("subject", caller.Subject))
	}
	return list
}

// method returns the method of r if HTTP knows it: any other word is the caller's.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return r.Method
	}
	return "other"
}

// requestID returns the id under which Lambda runs r and every line of the log
// about it is found, or "" outside Lambda.
func requestID(r *http.Request) string {
	if lambda, ok := lambdacontext.FromContext(r.Context()); ok {
		return lambda.AwsRequestID
	}
	return ""
}

// gatewayOf returns what the gateway says about r, the zero value without one.
func gatewayOf(r *http.Request) events.APIGatewayV2HTTPRequestContext {
	gateway, _ := core.GetAPIGatewayV2ContextFromContext(r.Context())
	return gateway
}

// panicError is a handler's panic with its stack.
type panicError struct {
	value any
	stack []byte
}

// Error names a bug and the text that the runtime or our own code gave it. A
// value of any other type may be a caller's.
func (p panicError) Error() string {
	if err, ok := p.value.(error); ok {
		return "panic: " + err.Error()
	}
	if text, ok := p.value.(string); ok {
		return "panic: " + text
	}
	return "panic"
}
