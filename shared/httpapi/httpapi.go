// Package httpapi connects API Gateway to the handler of a route.
//
// A handler returns a [Reply] or an error. This package checks the caller's scope,
// writes the envelope with the status and the language, turns a panic into a 500,
// and logs one line per request. For a request that changes something, that line
// is the audit log.
package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

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
	// "GET /api/v1/webhooks/{webhook_id}".
	Pattern string
	// Scope is the scope that the caller's token needs. It is empty for a public
	// route, whose handler gets the zero Caller.
	Scope auth.Scope
	// Audit is the action that the audit log names, such as "webhook.create". It is
	// empty for routes that only read, and for publishing events, which is the
	// normal traffic.
	Audit string
	// MaxBody is the limit of the request body, in bytes; 0 means [MaxBody].
	MaxBody int64
	Handle  Handler
}

// Function is the Lambda function of a route, with API Gateway's payload format
// 2.0.
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
			// api-proxy cannot parse the event: net/url refuses the path or the
			// query string, or the body is not base64. The log leaves out the
			// error, which quotes the query string: that may hold a key.
			log.WarnContext(ctx, "the gateway's event is unreadable", "source_ip", request.RequestContext.HTTP.SourceIP)
			return unreadable(request), nil
		}
		return response, nil
	}
}

// router serves route. It answers a request that does not match the pattern with
// RouteNotFound in the envelope.
func router(log *slog.Logger, route Route) http.Handler {
	notFound := adapter{log, Route{MaxBody: route.MaxBody, Handle: routeNotFound}}
	mux := http.NewServeMux()
	mux.Handle(route.Pattern, adapter{log, route})
	if route.Pattern != "/" {
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
	return Reply{}, apperr.New(apperr.RouteNotFound, Excerpt(r.Method+" "+r.URL.Path))
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
		status = writeError(w, r, err)
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

// handle checks the scope and calls the handler.
func (a adapter) handle(r *http.Request, caller auth.Caller) (Reply, error) {
	if err := a.route.authorize(caller); err != nil {
		return Reply{}, err
	}
	return a.route.Handle(r, caller)
}
