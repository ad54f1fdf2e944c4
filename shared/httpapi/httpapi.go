// Package httpapi connects API Gateway to the handler of a route.
//
// A handler returns a [Reply] or an error. This package checks the caller's scope and
// the query parameters, writes the envelope with the status and the language, turns a
// panic into a 500, and logs one line per request. For a request that changes
// something, that line is the audit log.
//
// It bounds what a request may be: the path is decoded once, an id has nothing but
// digits, a query parameter is known and given once, and a body has a size, no
// content coding and the bytes that the client sent. It bounds what an answer may be:
// [MaxAnswer].
package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/apperr"
	"webhooks/shared/auth"
)

// MaxBody is the default limit of a request body, in bytes.
const MaxBody = 256 << 10

// Handler answers a request of caller.
type Handler func(r *http.Request, caller auth.Caller) (Reply, error)

// Route is the route that a function serves.
type Route struct {
	// Pattern is a pattern of [http.ServeMux], such as
	// "GET /api/v1/webhooks/{webhook_id}". "/" answers every path.
	Pattern string
	// Scope is the scope that the caller's token needs. It is empty for a public
	// route, whose handler gets the zero Caller.
	Scope auth.Scope
	// Query names the query parameters of the route. A test compares them with the
	// OpenAPI document.
	Query []string
	// Audit is the action that the audit log names, such as "webhook.create". It is
	// empty for routes that only read, and for publishing events, which is the
	// normal traffic.
	Audit string
	// MaxBody is the limit of the request body, in bytes; 0 means [MaxBody].
	MaxBody int64
	Handle  Handler
}

// answersAnyPath reports whether the route answers every path that no other route
// has, with any query string.
func (route Route) answersAnyPath() bool { return route.Pattern == "/" }

// Function is the Lambda function of a route, with API Gateway's payload format
// 2.0.
type Function func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)

// New returns the function that serves route.
func New(log *slog.Logger, route Route) Function {
	if route.MaxBody == 0 {
		route.MaxBody = MaxBody
	}
	return throughProxy(router(log, route))
}

// router serves route. It answers a request that does not match the pattern with
// RouteNotFound in the envelope.
func router(log *slog.Logger, route Route) http.Handler {
	notFound := adapter{log, Route{Pattern: "/", Handle: routeNotFound}}
	mux := http.NewServeMux()
	mux.Handle(route.Pattern, adapter{log, route})
	if !route.answersAnyPath() {
		mux.Handle("/", notFound)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// ServeMux answers a path with ".." or "//" with a redirect in HTML.
		if r.URL.Path != path.Clean(r.URL.Path) {
			notFound.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func routeNotFound(r *http.Request, _ auth.Caller) (Reply, error) {
	return Reply{}, apperr.New(apperr.RouteNotFound, r.Method+" "+r.URL.Path)
}

// adapter serves one route.
type adapter struct {
	log   *slog.Logger
	route Route
}

// ServeHTTP answers r and logs one line.
func (a adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	caller := callerOf(r)
	r.Body = http.MaxBytesReader(w, r.Body, a.route.MaxBody)
	reply, err := a.answer(w, r, caller)
	status := reply.Status
	if err != nil {
		status, err = writeError(w, r, err)
	}
	a.logRequest(r, logLine{caller: caller, reply: reply, status: status, took: time.Since(start), err: err})
}

// answer writes the handler's reply. It returns a panic as an error with its stack.
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

// handle checks the scope and the query parameters, and calls the handler.
func (a adapter) handle(r *http.Request, caller auth.Caller) (Reply, error) {
	if err := a.route.authorize(caller); err != nil {
		return Reply{}, err
	}
	if err := a.route.checkQuery(r); err != nil {
		return Reply{}, err
	}
	return a.route.Handle(r, caller)
}
