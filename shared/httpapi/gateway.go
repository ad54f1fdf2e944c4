package httpapi

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// requestOf returns the HTTP request of API Gateway's event. It puts the parts of the
// event into the request as they are: it composes no URL that it would have to parse
// again, so no part becomes another one and none can be unreadable. It prints
// nothing.
//
// API Gateway has decoded rawPath already, and so have the local cloud and SAM CLI:
// "/webhooks/1%23x" arrives as "/webhooks/1#x". The path is not decoded again. The
// query string arrives as the client sent it. See
// https://github.com/middleapi/standard-server/pull/93 for events of a real API.
func requestOf(ctx context.Context, event events.APIGatewayV2HTTPRequest) *http.Request {
	var body io.Reader = strings.NewReader(event.Body)
	if event.IsBase64Encoded {
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	r := &http.Request{
		Method:     event.RequestContext.HTTP.Method,
		URL:        &url.URL{Path: "/" + strings.TrimPrefix(event.RawPath, "/"), RawQuery: event.RawQueryString},
		Header:     make(http.Header, len(event.Headers)),
		Body:       io.NopCloser(body),
		RemoteAddr: event.RequestContext.HTTP.SourceIP,
	}
	for name, value := range event.Headers {
		r.Header.Set(name, value) // API Gateway has joined repeated headers by commas
	}
	return r.WithContext(context.WithValue(ctx, eventKey{}, event))
}

// eventKey is the key of API Gateway's event in the context of a request.
type eventKey struct{}

// eventOf returns the event of r.
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

// response returns the response as API Gateway expects it. Its body is always UTF-8.
func (w *writer) response() events.APIGatewayV2HTTPResponse {
	headers := make(map[string]string, len(w.header))
	for name, values := range w.header {
		headers[name] = strings.Join(values, ", ")
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: w.status, Headers: headers, Body: w.body.String()}
}
