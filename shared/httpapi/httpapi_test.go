package httpapi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/apperr"
	"webhooks/shared/auth"
	"webhooks/shared/httpapi"
)

// bundle is the function of a route and its log.
type bundle struct {
	log      bytes.Buffer
	function httpapi.Function
}

func setup(t *testing.T, route httpapi.Route) *bundle {
	t.Helper()
	b := &bundle{}
	b.function = httpapi.New(slog.New(slog.NewJSONHandler(&b.log, nil)), route)
	return b
}

// request returns the gateway's event for a caller with both webhook scopes.
func request(method, path, body string) events.APIGatewayV2HTTPRequest {
	r := events.APIGatewayV2HTTPRequest{RawPath: path, Body: body, Headers: map[string]string{}}
	r.RequestContext.HTTP.Method = method
	r.RequestContext.DomainName = "api.example.com"
	r.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
		Lambda: map[string]any{"tenant_id": "acme", "scopes": "webhooks:read webhooks:write"},
	}
	return r
}

func (b *bundle) call(t *testing.T, r events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPResponse {
	t.Helper()
	response, err := b.function(context.Background(), r)
	if err != nil {
		t.Fatalf("the function failed: %v", err)
	}
	return response
}

func readWebhook(handle httpapi.Handler) httpapi.Route {
	return httpapi.Route{Pattern: "GET /api/v1/webhooks/{webhook_id}", Scope: auth.WebhooksRead, Handle: handle}
}

func failing(err error) httpapi.Route {
	return readWebhook(func(*http.Request, auth.Caller) (httpapi.Reply, error) { return httpapi.Reply{}, err })
}

const webhookPath = "/api/v1/webhooks/7"

func TestSuccess(t *testing.T) {
	t.Parallel()
	b := setup(t, readWebhook(func(r *http.Request, caller auth.Caller) (httpapi.Reply, error) {
		id, err := httpapi.WebhookID(r)
		return httpapi.OK(map[string]any{"webhook_id": id, "name": "<环境>&" + caller.TenantID}), err
	}))
	response := b.call(t, request("GET", webhookPath, ""))
	if response.StatusCode != 200 {
		t.Fatalf("status = %d, body %s", response.StatusCode, response.Body)
	}
	// Escaping "<" for HTML would take six bytes of Lambda's limit of 6 MB.
	if want := `"name":"<环境>&acme"`; !strings.Contains(response.Body, want) || !strings.HasPrefix(response.Body, `{"code":0,"message":"success","data":{`) {
		t.Errorf("body = %s, want %s in the envelope", response.Body, want)
	}
	if got := response.Headers["Content-Type"]; got != "application/json; charset=utf-8" {
		t.Errorf("content type = %q", got)
	}
}

func TestNoContentHasNoBody(t *testing.T) {
	t.Parallel()
	b := setup(t, readWebhook(func(*http.Request, auth.Caller) (httpapi.Reply, error) {
		return httpapi.Reply{Status: http.StatusNoContent, Message: apperr.MessageWebhookDeleted}, nil
	}))
	if response := b.call(t, request("GET", webhookPath, "")); response.StatusCode != 204 || response.Body != "" {
		t.Errorf("response = %d %q, want 204 without a body", response.StatusCode, response.Body)
	}
}

// TestReasonsBeginWithTheirStatus compares the list of reasons, the status table
// and the envelope.
func TestReasonsBeginWithTheirStatus(t *testing.T) {
	t.Parallel()
	for reason := range apperr.Reasons() {
		response := setup(t, failing(apperr.New(reason))).call(t, request("GET", webhookPath, ""))
		if response.StatusCode != int(reason)/100 {
			t.Errorf("reason %d has the status %d", reason, response.StatusCode)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	refused := apperr.Refuse([]apperr.Field{{Name: "name", Problem: apperr.Required}, {Name: "url", Problem: apperr.URLScheme}})
	tests := []struct {
		name     string
		err      error
		language string
		header   map[string]string
		want     string
	}{
		{name: "Chinese by default", err: apperr.New(apperr.WebhookNotFound), want: `{"code":40401,"message":"Webhook 不存在"}`},
		{name: "English when preferred", err: apperr.New(apperr.WebhookNotFound), language: "en-GB, zh;q=0.5", want: `{"code":40401,"message":"There is no such webhook"}`},
		{name: "a log that does not exist", err: apperr.New(apperr.LogNotFound), language: "en", want: `{"code":40403,"message":"There is no such log, or no longer"}`},
		{name: "a missing scope", err: apperr.New(apperr.MissingScope, "logs:read"), language: "en", want: `{"code":40301,"message":"Not allowed: the token lacks the scope logs:read"}`},
		{name: "every refused field", err: refused, want: `{"code":40002,"message":"请求参数不正确，详见 errors","data":{"errors":[{"field":"name","message":"必填"},{"field":"url","message":"必须使用 https"}]}}`},
		{name: "the cause of an internal error is not shown", err: errors.New("table arn:aws:x"), want: `{"code":50001,"message":"服务内部错误，请稍后重试"}`},
		{
			name: "Retry-After is rounded up", err: &apperr.Error{Reason: apperr.TestedTooOften, Args: []any{5}, RetryAfter: 4001 * time.Millisecond},
			header: map[string]string{"Retry-After": "5"}, want: `{"code":42901,"message":"测试过于频繁，请 5 秒后重试"}`,
		},
		{
			name: "unavailable, and nobody knows for how long", err: apperr.New(apperr.TemporarilyUnavailable), language: "en",
			header: map[string]string{"Retry-After": "5"}, want: `{"code":50301,"message":"Temporarily unavailable; try again later"}`,
		},
		{
			name: "unavailable for a known time", err: fmt.Errorf("create: %w", &apperr.Error{Reason: apperr.TemporarilyUnavailable, RetryAfter: time.Minute}), language: "en",
			header: map[string]string{"Retry-After": "60"}, want: `{"code":50301,"message":"Temporarily unavailable; try again later"}`,
		},
		{
			name: "changed meanwhile", err: &apperr.Error{Reason: apperr.ChangedMeanwhile, RetryAfter: 2 * time.Second}, language: "en",
			header: map[string]string{"Retry-After": "2"}, want: `{"code":40901,"message":"Webhooks were changed by other requests at the same time; try again"}`,
		},
		{
			name: "an excerpt of a text of the caller", err: apperr.New(apperr.EventConflict, "\n"+strings.Repeat("x", 1000)), language: "en",
			want: `{"code":40903,"message":"Another event has the id ` + "\ufffd" + strings.Repeat("x", apperr.MaxExcerpt-2) + `…; give every event an id of its own"}`,
		},
		{
			name: "Allow lists the methods", err: apperr.New(apperr.WrongMethod, "PATCH", "GET, PUT"), language: "en",
			header: map[string]string{"Allow": "GET, PUT"}, want: `{"code":40501,"message":"This route does not take PATCH; it takes GET, PUT"}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := request("GET", webhookPath, "")
			r.Headers["accept-language"] = tt.language
			response := setup(t, failing(tt.err)).call(t, r)
			if diff := cmp.Diff(tt.want, response.Body); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			for name, value := range tt.header {
				if response.Headers[name] != value {
					t.Errorf("%s = %q, want %q", name, response.Headers[name], value)
				}
			}
		})
	}
}

func TestRouteNeedsItsScope(t *testing.T) {
	t.Parallel()
	ok := readWebhook(func(*http.Request, auth.Caller) (httpapi.Reply, error) { return httpapi.OK(nil), nil })
	tests := []struct {
		name   string
		lambda map[string]any
		want   int
	}{
		{name: "has the scope", lambda: map[string]any{"tenant_id": "acme", "scopes": "webhooks:read"}, want: 200},
		{name: "lacks the scope", lambda: map[string]any{"tenant_id": "acme", "scopes": "logs:read webhooks:readx"}, want: 403},
		{name: "no tenant", lambda: map[string]any{"scopes": "webhooks:read"}, want: 401},
		{name: "no authorizer", lambda: nil, want: 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := request("GET", webhookPath, "")
			r.RequestContext.Authorizer.Lambda = tt.lambda
			if response := setup(t, ok).call(t, r); response.StatusCode != tt.want {
				t.Errorf("status = %d, want %d (%s)", response.StatusCode, tt.want, response.Body)
			}
		})
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	echo := httpapi.Route{Pattern: "POST /api/v1/webhooks", MaxBody: 8, Handle: func(r *http.Request, _ auth.Caller) (httpapi.Reply, error) {
		body, err := httpapi.ReadBody(r)
		return httpapi.OK(string(body)), err
	}}
	r := request("POST", "/api/v1/webhooks", "12345678")
	if response := setup(t, echo).call(t, r); !strings.Contains(response.Body, `"data":"12345678"`) {
		t.Errorf("response = %s", response.Body)
	}
	r.Body = "123456789"
	if response := setup(t, echo).call(t, r); response.StatusCode != 413 || !strings.Contains(response.Body, "8 字节") {
		t.Errorf("response = %d %s, want 413 with the limit", response.StatusCode, response.Body)
	}
	for _, text := range []string{"not base64!", "e30", "e30=e30="} {
		r.Body, r.IsBase64Encoded = text, true
		if response := setup(t, echo).call(t, r); response.StatusCode != 400 || !strings.Contains(response.Body, `"code":40001`) {
			t.Errorf("base64 %q: response = %d %s, want 400", text, response.StatusCode, response.Body)
		}
	}
	r.Body = "e30="
	if response := setup(t, echo).call(t, r); !strings.Contains(response.Body, `"data":"{}"`) {
		t.Errorf("response = %s, want the decoded body", response.Body)
	}
}
