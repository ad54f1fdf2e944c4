package main

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/apperr"
	"webhooks/shared/httpapi"
	"webhooks/shared/testkit/cloudtest"
)

type bundle struct {
	function httpapi.Function
	request  events.APIGatewayV2HTTPRequest
}

func setup(t *testing.T) bundle {
	t.Helper()
	function, err := build(slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	return bundle{function, cloudtest.Request(t, "unknown-route.json")}
}

// ask sends the sample event with another method and path.
func (b bundle) ask(t *testing.T, method, path string) cloudtest.Response {
	t.Helper()
	b.request.RawPath = path
	b.request.RequestContext.HTTP.Method, b.request.RequestContext.HTTP.Path = method, path
	return cloudtest.Invoke(t, b.function, b.request)
}

func TestTheSampleEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	response := cloudtest.Invoke(t, b.function, b.request)
	want := `{"code":40501,"message":"该接口不支持 PATCH 方法，支持：DELETE, GET, PUT"}`
	if response.Status != http.StatusMethodNotAllowed || response.Body != want || response.Headers["Allow"] != "DELETE, GET, PUT" {
		t.Errorf("response %d %s, Allow %q", response.Status, response.Body, response.Headers["Allow"])
	}
}

func TestOtherMethodsOfAPath(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tests := []struct{ method, path, allow string }{
		{method: "DELETE", path: "/api/v1/webhooks", allow: "GET, POST"},
		{method: "OPTIONS", path: "/api/v1/webhooks", allow: "GET, POST"},
		{method: "HEAD", path: "/api/v1/webhooks/1", allow: "DELETE, GET, PUT"},
		{method: "POST", path: "/api/v1/webhooks/not-even-an-id", allow: "DELETE, GET, PUT"},
		{method: "POST", path: "/api/v1/webhooks/1/logs", allow: "GET"},
		{method: "GET", path: "/api/v1/webhooks/1/test", allow: "POST"},
		{method: "GET", path: "/api/v1/webhooks/1/secret/rotate", allow: "POST"},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			t.Parallel()
			response := b.ask(t, tt.method, tt.path)
			if code := response.Envelope(t).Code; code != int(apperr.WrongMethod) || response.Status != http.StatusMethodNotAllowed || response.Headers["Allow"] != tt.allow {
				t.Errorf("response %d, code %d, Allow %q; want 405 with %q", response.Status, code, response.Headers["Allow"], tt.allow)
			}
		})
	}
}

func TestUnknownPaths(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tests := []struct{ name, method, path, shown string }{
		{name: "the root", method: "GET", path: "/", shown: "GET /"},
		{name: "another version", method: "GET", path: "/api/v2/webhooks", shown: "GET /api/v2/webhooks"},
		{name: "a trailing slash", method: "GET", path: "/api/v1/webhooks/", shown: "GET /api/v1/webhooks/"},
		{name: "a path below a route", method: "GET", path: "/api/v1/webhooks/1/logs/2", shown: "GET /api/v1/webhooks/1/logs/2"},
		{name: "another case", method: "GET", path: "/API/v1/webhooks", shown: "GET /API/v1/webhooks"},
		{name: "dots", method: "GET", path: "/api/v1/../v1/webhooks", shown: "GET /api/v1/../v1/webhooks"},
		{name: "a route with an escaped slash", method: "GET", path: "/api/v1/webhooks/1/logs", shown: "GET /api/v1/webhooks/1/logs"},
		{name: "control characters", method: "GET", path: "/\x1b[31m\x00", shown: "GET /\uFFFD[31m\uFFFD"},
		{name: "invalid UTF-8", method: "GET", path: "/\uFFFD", shown: "GET /\uFFFD"},
		{name: "a path that is escaped twice", method: "GET", path: "/%1b%zz", shown: "GET /%1b%zz"},
		{name: "a path with a line for a log", method: "GET", path: "/nope\n{\"level\":\"ERROR\"}\n", shown: `GET /nope` + "\uFFFD" + `{"level":"ERROR"}` + "\uFFFD"},
		{name: "number sign and question mark", method: "GET", path: "/a#b?c", shown: "GET /a#b?c"},
		{name: "very long", method: "GET", path: "/" + strings.Repeat("é", 5000), shown: "GET /" + strings.Repeat("é", apperr.MaxExcerpt-6) + "…"},
		{name: "markup", method: "GET", path: "/<script>", shown: "GET /<script>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			response := b.ask(t, tt.method, tt.path)
			envelope := response.Envelope(t)
			if response.Status != http.StatusNotFound || envelope.Code != int(apperr.RouteNotFound) || envelope.Message != "接口不存在："+tt.shown {
				t.Errorf("response %d %q, want 404 with %q", response.Status, response.Body, tt.shown)
			}
		})
	}
}
