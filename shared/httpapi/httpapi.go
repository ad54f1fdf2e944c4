// Package httpapi is the adapter between API Gateway and a route's handler.
//
// A handler returns a [Reply] or an error; this package writes the contract's
// envelope, chooses the status and the language, checks the caller's scope,
// turns a panic into a 500, and logs one line per request, which is the audit
// line of one that changes something.
package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"webhooks/shared/apperr"
	"webhooks/shared/apperr/locale"
	"webhooks/shared/auth"
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
	// Audit names what a request of this route changes or sets off, such as
	// "webhook.create". It is empty for routes that only read, and for publishing,
	// which is what the service is for.
	Audit string
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
			// Its error quotes the query string, where a caller may have put a key.
			log.WarnContext(ctx, "the gateway's event is unreadable", "source_ip", request.RequestContext.HTTP.SourceIP)
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
	reply, err := a.answer(w, r, caller)
	status := reply.Status
	if err != nil {
		status = writeError(w, r, err)
	}
	a.logRequest(r, line{caller: caller, reply: reply, status: status, took: time.Since(start), err: err})
}

// answer writes what the handler replies. A panic on the way becomes an error with
// its stack.
func (a adapter) answer(w http.ResponseWriter, r *http.Request, caller auth.Caller) (reply Reply, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = apperr.Wrap(panicError{p, debug.Stack()}, apperr.InternalError)
		}
	}()
	if reply, err = a.handle(r, caller); err != nil {
		return Reply{Events: reply.Events}, err
	}
	return reply, reply.write(w)
}

// handle checks the scope and calls the handler.
func (a adapter) handle(r *http.Request, caller auth.Caller) (Reply, error) {
	if err := a.route.authorize(caller); err != nil {
		return Reply{}, err
	}
	return a.route.Handle(r, caller)
}

// LocaleOf returns the language that the caller of r reads.
func LocaleOf(r *http.Request) locale.Locale {
	// api-proxy splits the header at its commas; joining them restores it.
	return locale.Negotiate(strings.Join(r.Header.Values("Accept-Language"), ","))
}
