// Package httpapi is the adapter between API Gateway and a route's handler.
//
// A handler returns a [Reply] or an error; this package writes the contract's
// envelope, chooses the status and the language, checks the caller's scope,
// turns a panic into a 500, and logs one line per request.
package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"webhooks/shared/apperr"
	"webhooks/shared/auth"
	"webhooks/shared/locale"
)

// MaxBody is the size of the largest request body, in bytes, of a route that
// does not say otherwise.
const MaxBody = 256 << 10

// Handler answers one request of caller.
type Handler func(r *http.Request, caller auth.Caller) (Reply, error)

// Route is what one function serves.
type Route struct {
	// Pattern is a pattern of [http.ServeMux], such as
	// "GET /api/v1/webhooks/{webhook_id}".
	Pattern string
	// Scope is what the caller's token must carry. The empty scope is for
	// routes that anyone may call; their handler gets the zero Caller.
	Scope auth.Scope
	// MaxBody limits the request body, in bytes; 0 means [MaxBody].
	MaxBody int64
	Handle  Handler
}

// Function is what Lambda invokes for a route: payload format 2.0 in and out.
type Function func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)

// New returns the function that serves route.
func New(log *slog.Logger, route Route) Function {
	if route.MaxBody == 0 {
		route.MaxBody = MaxBody
	}
	proxy := httpadapter.NewV2(router(log, route))
	return func(ctx context.Context, request events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		response, err := proxy.ProxyWithContext(ctx, request)
		if err != nil {
			// The adapter could not even make a request of the event: a path or
			// query string that net/url refuses, or a body that is not base64.
			log.WarnContext(ctx, "the gateway's event is unreadable", "error", err.Error())
			return unreadable(request), nil
		}
		return response, nil
	}
}

// router serves route, and answers in the envelope what the gateway sent here
// although the pattern does not take it.
func router(log *slog.Logger, route Route) http.Handler {
	fallback := adapter{log, Route{MaxBody: route.MaxBody, Handle: noRoute}}
	mux := http.NewServeMux()
	mux.Handle(route.Pattern, adapter{log, route})
	if route.Pattern != "/" {
		mux.Handle("/", fallback)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// ServeMux would answer ".." as a webhook_id with a redirect in HTML.
		if r.URL.Path != path.Clean(r.URL.Path) {
			fallback.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func noRoute(r *http.Request, _ auth.Caller) (Reply, error) {
	return Reply{}, apperr.New(apperr.RouteNotFound, Shown(r.Method+" "+r.URL.Path))
}

// adapter serves one route.
type adapter struct {
	log   *slog.Logger
	route Route
}

// ServeHTTP answers r and logs one line about it.
func (a adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	caller := callerOf(r)
	r.Body = http.MaxBytesReader(w, r.Body, a.route.MaxBody)
	reply, err := a.handle(r, caller)
	status := reply.Status
	if err != nil {
		status = writeError(w, r, err)
	} else if err = reply.write(w); err != nil {
		status = writeError(w, r, err)
	}
	a.logRequest(r, caller, status, time.Since(start), err)
}

// handle checks the scope and calls the handler, whose panic becomes an error
// with its stack.
func (a adapter) handle(r *http.Request, caller auth.Caller) (reply Reply, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = apperr.Wrap(panicError{p, debug.Stack()}, apperr.InternalError)
		}
	}()
	if a.route.Scope != "" {
		if caller.TenantID == "" {
			return Reply{}, apperr.New(apperr.NotAuthenticated)
		}
		if !caller.May(a.route.Scope) {
			return Reply{}, apperr.New(apperr.MissingScope, string(a.route.Scope))
		}
	}
	return a.route.Handle(r, caller)
}

func (a adapter) logRequest(r *http.Request, caller auth.Caller, status int, took time.Duration, err error) {
	level := slog.LevelInfo
	attributes := []slog.Attr{
		slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("status", status),
		slog.String("tenant_id", caller.TenantID), slog.Int64("duration_ms", took.Milliseconds()),
	}
	if err != nil {
		attributes = append(attributes, slog.String("error", err.Error()))
		var p panicError
		if errors.As(err, &p) {
			attributes = append(attributes, slog.String("stack", string(p.stack)))
		}
	}
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	a.log.LogAttrs(r.Context(), level, "request", attributes...)
}

// callerOf reads what the authorizer handed on. Without one (a public route)
// it is the zero Caller.
func callerOf(r *http.Request) auth.Caller {
	gateway, ok := core.GetAPIGatewayV2ContextFromContext(r.Context())
	if !ok || gateway.Authorizer == nil {
		return auth.Caller{}
	}
	tenant, _ := gateway.Authorizer.Lambda["tenant_id"].(string)
	list, _ := gateway.Authorizer.Lambda["scopes"].(string)
	caller := auth.Caller{TenantID: tenant}
	for scope := range strings.FieldsSeq(list) {
		caller.Scopes = append(caller.Scopes, auth.Scope(scope))
	}
	return caller
}

// LocaleOf returns the language that the caller of r reads.
func LocaleOf(r *http.Request) locale.Locale {
	// api-proxy splits the header at its commas; joining them restores it.
	return locale.Negotiate(strings.Join(r.Header.Values("Accept-Language"), ","))
}

// WebhookID returns the path's {webhook_id}, or an InvalidWebhookID error when
// it is not a positive integer in its canonical form.
func WebhookID(r *http.Request) (int64, error) {
	return pathID(r, "webhook_id", apperr.InvalidWebhookID)
}

// LogID returns the path's {log_id}, or an InvalidLogID error when it is not a
// positive integer in its canonical form.
func LogID(r *http.Request) (int64, error) {
	return pathID(r, "log_id", apperr.InvalidLogID)
}

func pathID(r *http.Request, name string, invalid apperr.Reason) (int64, error) {
	text := r.PathValue(name)
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 || strconv.FormatInt(id, 10) != text {
		return 0, apperr.New(invalid)
	}
	return id, nil
}

type panicError struct {
	value any
	stack []byte
}

func (p panicError) Error() string {
	if err, ok := p.value.(error); ok {
		return "panic: " + err.Error()
	}
	if text, ok := p.value.(string); ok {
		return "panic: " + text
	}
	return "panic"
}
