package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/testkit/openapitest"
)

// TestEveryRouteRefusesUnknownParameters: the document has every route and its
// parameters, so a new route is tried too.
func TestEveryRouteRefusesUnknownParameters(t *testing.T) {
	t.Parallel()
	c := setup(t)
	c.call("POST", "/api/v1/webhooks", documented)
	for pattern, item := range openapitest.Document(t).Paths.Map() {
		path := strings.NewReplacer("{webhook_id}", "1", "{log_id}", "1").Replace(pattern)
		for method, o := range item.Operations() {
			refuse := func(query string, want ...string) {
				t.Helper()
				got := c.call(method, path+"?"+query, "")
				if diff := cmp.Diff(want, got.refused(t).Fields); got.Status != http.StatusBadRequest || diff != "" {
					t.Errorf("%s %s?%s returned %d (-want +got):\n%s", method, path, query, got.Status, diff)
				}
			}
			refuse("befor=3", "befor")
			refuse("x=1&pageSize=5&x=2", "pageSize", "x")
			for _, p := range o.Parameters {
				if p.Value.In == "query" {
					refuse(p.Value.Name+"=1&"+p.Value.Name+"=1", p.Value.Name)
				}
			}
		}
	}
	// None of the requests did anything.
	c.call("GET", path(1), "").is(t, http.StatusOK, shown("环境事件通知", "true"))
}

// TestRequestsThatTheGatewayWouldChangeAreRefused: API Gateway replaces invalid UTF-8
// in a body with the content type that clients send, and hands on a compressed body as
// it is.
func TestRequestsThatTheGatewayWouldChangeAreRefused(t *testing.T) {
	t.Parallel()
	c := setup(t)
	tests := []struct {
		name, body string
		headers    []string
		code       int
	}{
		{name: "invalid UTF-8", body: "{\"type\":\"alert.resolved\",\"data\":\"\xff\"}", headers: []string{"Content-Type", "application/json"}, code: 40001},
		{name: "half a character", body: "{\"type\":\"alert.resolved\",\"data\":\"\xe7\x8e\"}", headers: []string{"Content-Type", "application/json; charset=utf-8"}, code: 40001},
		{name: "Latin-1", body: "{\"type\":\"alert.resolved\",\"data\":\"caf\xe9\"}", headers: []string{"Content-Type", "text/plain"}, code: 40001},
		{name: "invalid UTF-8 of another content type", body: "{\"type\":\"alert.resolved\",\"data\":\"\xff\"}", headers: []string{"Content-Type", "application/octet-stream"}, code: 40001},
		{name: "the replacement character itself", body: `{"type":"alert.resolved","data":"` + "\ufffd" + `"}`, headers: []string{"Content-Type", "application/json"}},
		{name: "gzip", body: "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", headers: []string{"Content-Type", "application/json", "Content-Encoding", "gzip"}, code: 41501},
		{name: "plain text that is called gzip", body: `{"type":"alert.resolved","data":1}`, headers: []string{"Content-Encoding", "gzip"}, code: 41501},
		{name: "identity", body: `{"type":"alert.resolved","data":1}`, headers: []string{"Content-Encoding", "identity"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := c.with(t, c.key).call("POST", eventsPath, tt.body, tt.headers...)
			if tt.code == 0 {
				if got.Status != http.StatusAccepted {
					t.Errorf("response = %d %s, want 202", got.Status, got.Body)
				}
				return
			}
			if refused := got.refused(t); refused.Code != tt.code || got.Status != tt.code/100 {
				t.Errorf("response = %d %s, want the code %d", got.Status, got.Body, tt.code)
			}
			if tt.code == 41501 && got.Header.Get("Accept-Encoding") != "identity" {
				t.Errorf("Accept-Encoding = %q, want identity", got.Header.Get("Accept-Encoding"))
			}
		})
	}
}
