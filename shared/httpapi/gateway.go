package httpapi

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"
)

// throughProxy returns the function that serves API Gateway's events with handler.
// aws-lambda-go-api-proxy makes the request and the response.
func throughProxy(handler http.Handler) Function {
	proxy := httpadapter.NewV2(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		event := eventOf(r)
		r.Header = headersOf(event)
		if event.IsBase64Encoded && !isBase64(event.Body) {
			r.Body = io.NopCloser(unreadable{})
		}
		w := &writer{header: make(http.Header)}
		handler.ServeHTTP(w, r)
		w.copyTo(out)
	}))
	return func(ctx context.Context, event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		return proxy.ProxyWithContext(context.WithValue(ctx, eventKey{}, event), readable(event))
	}
}

// readable returns event in a form that api-proxy can always read. It composes a URL
// of the event's parts and parses it again, and prints what it cannot parse, with the
// caller's text, past the log.
//
// API Gateway has decoded rawPath already, and so have the local cloud and SAM CLI:
// "/webhooks/1%23x" arrives as "/webhooks/1#x". So the path is escaped again, and is
// decoded once in all. The query string arrives as the client sent it. See
// https://github.com/middleapi/standard-server/pull/93 for events of a real API.
func readable(event events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPRequest {
	path := url.URL{Path: "/" + strings.TrimPrefix(event.RawPath, "/")}
	event.RawPath = path.EscapedPath()
	event.RawQueryString = escapeQuery(event.RawQueryString)
	event.QueryStringParameters = nil // the same parameters, with repeated ones joined
	event.RequestContext.DomainName = ""
	if !isMethod(event.RequestContext.HTTP.Method) {
		event.RequestContext.HTTP.Method = "UNKNOWN"
	}
	event.Headers, event.Cookies = nil, nil // headersOf does not split them at commas
	if event.IsBase64Encoded && !isBase64(event.Body) {
		event.Body, event.IsBase64Encoded = "", false
	}
	return event
}

// escapeQuery escapes the bytes of query that cannot stand in a URL or that would end
// the query.
func escapeQuery(query string) string {
	var b strings.Builder
	for i := range len(query) {
		if c := query[i]; c <= ' ' || c == '#' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// isMethod reports whether method has capital letters only, as every registered one
// but version control's (RFC 9110 §16.1.1).
func isMethod(method string) bool {
	notCapital := func(r rune) bool { return r < 'A' || r > 'Z' }
	return method != "" && !strings.ContainsFunc(method, notCapital)
}

func isBase64(text string) bool {
	_, err := base64.StdEncoding.DecodeString(text)
	return err == nil
}

// headersOf returns the headers of event. API Gateway has joined repeated ones by
// commas.
func headersOf(event events.APIGatewayV2HTTPRequest) http.Header {
	headers := make(http.Header, len(event.Headers))
	for name, value := range event.Headers {
		headers.Set(name, value)
	}
	return headers
}

// unreadable is a body that is not base64 although the event says so.
type unreadable struct{}

var errNotBase64 = errors.New("the body is not base64")

func (unreadable) Read([]byte) (int, error) { return 0, errNotBase64 }

// eventKey is the key of API Gateway's event in the context of a request.
type eventKey struct{}

// eventOf returns the event of r, as API Gateway sent it.
func eventOf(r *http.Request) events.APIGatewayV2HTTPRequest {
	event, _ := r.Context().Value(eventKey{}).(events.APIGatewayV2HTTPRequest)
	return event
}

// writer keeps the response that a handler writes.
type writer struct {
	header http.Header
	status int
	body   bytes.Buffer
	size   int // of the body as Lambda counts it
}

func (w *writer) Header() http.Header { return w.header }

func (w *writer) WriteHeader(status int) { w.status = status }

// copyTo writes the response to out. Its body is always UTF-8, so that api-proxy hands
// it on as text.
func (w *writer) copyTo(out http.ResponseWriter) {
	maps.Copy(out.Header(), w.header)
	out.WriteHeader(w.status)
	if w.body.Len() > 0 {
		_, _ = out.Write(w.body.Bytes()) // into memory: it does not fail
	}
}
