package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/apperr"
	"webhooks/shared/auth"
	"webhooks/shared/httpapi"
)

// logged returns the only line of the log, without its time and duration.
func (b *bundle) logged(t *testing.T) map[string]any {
	t.Helper()
	if strings.Count(b.log.String(), "\n") != 1 {
		t.Fatalf("log = %s, want one line", b.log.String())
	}
	var line map[string]any
	if err := json.Unmarshal(b.log.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"time", "msg", "duration_ms"} {
		if line[name] == nil {
			t.Errorf("the line has no %s: %s", name, b.log.String())
		}
		delete(line, name)
	}
	return line
}

func TestChangeLogsOneAuditLine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		route  httpapi.Route
		method string
		path   string
		lambda map[string]any
		want   map[string]any
	}{
		{
			name:   "API key creates a webhook",
			route:  httpapi.Route{Pattern: "POST /api/v1/webhooks", Audit: "webhook.create", Handle: reply(httpapi.Reply{Status: 201, Created: 7})},
			method: "POST", path: "/api/v1/webhooks",
			lambda: map[string]any{"tenant_id": "acme", "key_id": "abcdefghijklmnop"},
			want: map[string]any{
				"level": "INFO", "method": "POST", "route": "POST /api/v1/webhooks", "status": 201.0, "tenant_id": "acme",
				"source_ip": "203.0.113.9", "key_id": "abcdefghijklmnop", "audit": "webhook.create", "webhook_id": 7.0,
			},
		},
		{
			name:   "JWT deletes the webhook of the path",
			route:  httpapi.Route{Pattern: "DELETE /api/v1/webhooks/{webhook_id}", Audit: "webhook.delete", Handle: reply(httpapi.Reply{Status: 204})},
			method: "DELETE", path: webhookPath,
			lambda: map[string]any{"tenant_id": "acme", "subject": "user-1"},
			want: map[string]any{
				"level": "INFO", "method": "DELETE", "route": "DELETE /api/v1/webhooks/{webhook_id}", "status": 204.0, "tenant_id": "acme",
				"source_ip": "203.0.113.9", "subject": "user-1", "audit": "webhook.delete", "webhook_id": 7.0,
			},
		},
		{
			name:   "refused change",
			route:  httpapi.Route{Pattern: "DELETE /api/v1/webhooks/{webhook_id}", Audit: "webhook.delete", Scope: auth.WebhooksWrite, Handle: reply(httpapi.Reply{})},
			method: "DELETE", path: webhookPath,
			lambda: map[string]any{"tenant_id": "acme", "key_id": "abcdefghijklmnop"},
			want: map[string]any{
				"level": "INFO", "method": "DELETE", "route": "DELETE /api/v1/webhooks/{webhook_id}", "status": 403.0, "code": 40301.0, "tenant_id": "acme",
				"source_ip": "203.0.113.9", "key_id": "abcdefghijklmnop", "audit": "webhook.delete", "webhook_id": 7.0,
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, r := setup(t, tt.route), request(tt.method, tt.path, "")
			r.RequestContext.Authorizer.Lambda = tt.lambda
			r.RequestContext.HTTP.SourceIP = "203.0.113.9"
			b.call(t, r)
			if diff := cmp.Diff(tt.want, b.logged(t)); diff != "" {
				t.Errorf("line (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLineNamesTheEvents: the log shows the request that published an event.
func TestLineNamesTheEvents(t *testing.T) {
	t.Parallel()
	batch := slices.Repeat([]string{strings.Repeat("x", 64)}, 101)
	tests := []struct {
		name   string
		events []string
		err    error
		want   map[string]any
	}{
		{name: "none", want: map[string]any{"event_id": nil, "event_ids": nil}},
		{name: "one", events: []string{"e1"}, want: map[string]any{"event_id": "e1", "event_ids": nil}},
		{name: "one, refused", events: []string{"e1"}, err: apperr.New(apperr.EventConflict, "e1"), want: map[string]any{"event_id": "e1", "event_ids": nil}},
		{name: "several", events: []string{"e1", "e2"}, want: map[string]any{"event_id": nil, "event_ids": []any{"e1", "e2"}}},
		{name: "at most 100", events: batch, want: map[string]any{"event_id": nil, "event_ids": slices.Repeat([]any{batch[0]}, 100)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, httpapi.Route{Pattern: "POST /api/v1/events", Handle: func(*http.Request, auth.Caller) (httpapi.Reply, error) {
				return httpapi.Reply{Status: 202, Events: tt.events}, tt.err
			}})
			b.call(t, request("POST", "/api/v1/events", ""))
			if size := b.log.Len(); size > 8<<10 {
				t.Errorf("the line has %d bytes, want at most 8 KiB", size)
			}
			line := b.logged(t)
			if diff := cmp.Diff(tt.want, map[string]any{"event_id": line["event_id"], "event_ids": line["event_ids"]}); diff != "" {
				t.Errorf("line (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLineNamesValidPathIDs: the log reads path ids as the handlers do.
func TestLineNamesValidPathIDs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]any{"7": 7.0, "07": nil, "+7": nil, "-7": nil, "0": nil, "seven": nil} {
		b := setup(t, readWebhook(reply(httpapi.OK(nil))))
		b.call(t, request("GET", "/api/v1/webhooks/"+text, ""))
		if got := b.logged(t)["webhook_id"]; got != want {
			t.Errorf("the line of /webhooks/%s has the webhook_id %v, want %v", text, got, want)
		}
	}
}

func reply(r httpapi.Reply) httpapi.Handler {
	return func(*http.Request, auth.Caller) (httpapi.Reply, error) { return r, nil }
}

// TestLogHoldsNoTextOfTheCaller puts a key wherever a caller may put one by
// mistake.
func TestLogHoldsNoTextOfTheCaller(t *testing.T) {
	t.Parallel()
	const mark = "whk_abcdefghijklmnop_marked"
	refuse := func(r *http.Request, _ auth.Caller) (httpapi.Reply, error) {
		if _, err := httpapi.WebhookID(r); err != nil {
			return httpapi.Reply{}, err
		}
		return httpapi.Reply{}, apperr.Wrap(errors.New(mark), apperr.InvalidJSON, mark)
	}
	tests := []struct{ name, method, path, query string }{
		{name: "body", method: "GET", path: webhookPath},
		{name: "id", method: "GET", path: "/api/v1/webhooks/" + mark},
		{name: "path", method: "GET", path: "/" + mark},
		{name: "unclean path", method: "GET", path: "//" + mark},
		{name: "method", method: mark, path: webhookPath},
		{name: "query", method: "GET", path: webhookPath, query: "key=" + mark},
		{name: "unreadable query", method: "GET", path: webhookPath, query: "key=" + mark + "\x7f"},
		{name: "unreadable path", method: "GET", path: "/api/v1/webhooks/%zz" + mark},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, r := setup(t, readWebhook(refuse)), request(tt.method, tt.path, mark)
			r.RawQueryString, r.Headers["x-api-key"] = tt.query, mark
			b.call(t, r)
			if log := b.log.String(); strings.Contains(log, mark) || log == "" {
				t.Errorf("log = %s, want a line without %s", log, mark)
			}
		})
	}
}

// TestPanicIsLoggedOnce: the response has the request id that finds the stack in the
// log.
func TestPanicIsLoggedOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		route httpapi.Route
		want  string
	}{
		{"in the handler", readWebhook(func(*http.Request, auth.Caller) (httpapi.Reply, error) { panic("a bug") }), "panic: a bug"},
		{"while the response is encoded", readWebhook(reply(httpapi.OK(panicking{}))), "panic: another bug"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, tt.route)
			ctx := lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{AwsRequestID: "8476a536"})
			response, err := b.function(ctx, request("GET", webhookPath, ""))
			if err != nil {
				t.Fatal(err)
			}
			const want = `{"code":50001,"message":"服务内部错误，请稍后重试","data":{"request_id":"8476a536"}}`
			if response.StatusCode != 500 || response.Body != want {
				t.Errorf("response = %d %s, want 500 %s", response.StatusCode, response.Body, want)
			}
			line := b.logged(t)
			if stack, _ := line["stack"].(string); line["level"] != "ERROR" || !strings.Contains(stack, "log_test.go") {
				t.Errorf("line = %v, want an error with its stack", line)
			}
			if got, _ := line["error"].(string); !strings.Contains(got, tt.want) {
				t.Errorf("error = %q, want %q in it", got, tt.want)
			}
		})
	}
}

type panicking struct{}

func (panicking) MarshalJSON() ([]byte, error) { panic("another bug") }
