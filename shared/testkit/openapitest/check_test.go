package openapitest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/testkit/openapitest"
)

// recorder is a test that records its failures.
type recorder struct {
	testing.TB
	failure string
}

func (r *recorder) Errorf(format string, args ...any) { r.failure += fmt.Sprintf(format, args...) }

// exchange is a request and its response. Zero fields stand for a documented GET of
// the list of webhooks.
type exchange struct {
	method, target, body string
	status               int
	header               http.Header
	response             string
}

const (
	emptyList = `{"code":0,"message":"success","data":{"items":[]}}`
	accepted  = `{"code":0,"message":"事件已接收","data":{"id":"e"}}`
	updated   = `{"code":0,"message":"更新成功"}`
)

// failure returns the failures that Check reports for the exchange.
func (x exchange) failure(t *testing.T) string {
	t.Helper()
	if x.method == "" {
		x.method = "GET"
	}
	if x.target == "" {
		x.target = "/api/v1/webhooks"
	}
	request, err := http.NewRequestWithContext(t.Context(), x.method, x.target, strings.NewReader(x.body))
	if err != nil {
		t.Fatal(err)
	}
	if x.header == nil {
		x.header = http.Header{"Content-Type": {"application/json; charset=utf-8"}, "Cache-Control": {"no-store"}}
	}
	r := &recorder{TB: t}
	openapitest.Check(r, request, openapitest.Response{Status: x.status, Header: x.header, Body: x.response})
	return r.failure
}

func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

func TestDocumentedExchangesPass(t *testing.T) {
	t.Parallel()
	const jsonType = "application/json; charset=utf-8"
	tests := []struct {
		name string
		exchange
	}{
		{name: "a success", exchange: exchange{status: 200, response: emptyList}},
		{name: "no body", exchange: exchange{method: "DELETE", target: "/api/v1/webhooks/1", status: 204}},
		{name: "an error", exchange: exchange{target: "/api/v1/webhooks/x", status: 400, response: `{"code":40004,"message":"m"}`}},
		{name: "a refused body", exchange: exchange{method: "PUT", target: "/api/v1/webhooks/1", body: `{`, status: 400, response: `{"code":40001,"message":"m"}`}},
		{name: "an accepted body", exchange: exchange{method: "PUT", target: "/api/v1/webhooks/1", body: `{"enabled":true,"webhook_id":1}`, status: 200, response: updated}},
		{name: "an error of API Gateway", exchange: exchange{status: 403, response: `{"message":"Forbidden"}`}},
		{name: "an unknown path", exchange: exchange{target: "/nothing", status: 404, response: `{"code":40402,"message":"m"}`}},
		{name: "HEAD is not GET", exchange: exchange{method: "HEAD", status: 405, response: `{"code":40501,"message":"m"}`, header: headers("Content-Type", jsonType, "Allow", "GET, POST")}},
		{name: "a list accepted in part", exchange: exchange{
			method: "POST", target: "/api/v1/events", body: `{"events":[1,{"type":"alert.resolved","data":1}]}`, status: 202,
			response: `{"code":0,"message":"事件已接收","data":{"accepted":1,"items":[{"error":{"code":40001,"message":"m"}},{"id":"e"}]}}`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if failure := tt.failure(t); failure != "" {
				t.Errorf("failed: %s", failure)
			}
		})
	}
}

func TestUndocumentedExchangesFail(t *testing.T) {
	t.Parallel()
	const jsonType = "application/json; charset=utf-8"
	tests := []struct {
		name string
		exchange
		want string
	}{
		{name: "status", exchange: exchange{status: 418, response: `{"code":41801,"message":"m"}`}, want: "no status 418"},
		{name: "code", exchange: exchange{status: 400, response: `{"code":40001,"message":"m"}`}, want: "code"},
		{name: "message of a success", exchange: exchange{status: 200, response: `{"code":0,"message":"ok","data":{"items":[]}}`}, want: "message"},
		{name: "field", exchange: exchange{status: 200, response: `{"code":0,"message":"success","data":{"items":[],"next":1}}`}, want: "next"},
		{name: "missing field", exchange: exchange{status: 200, response: `{"code":0,"message":"success","data":{}}`}, want: "items"},
		{name: "format of a time", exchange: exchange{status: 200, response: `{"code":0,"message":"success","data":{"items":[` +
			`{"webhook_id":1,"name":"n","url":"https://a.example/","events":["alert.resolved"],"enabled":true,"created_at":"2026-01-26T10:00:00.5Z"}]}}`}, want: "created_at"},
		{name: "body", exchange: exchange{method: "DELETE", target: "/api/v1/webhooks/1", status: 204, response: updated}, want: "no body"},
		{name: "content type", exchange: exchange{status: 200, response: emptyList, header: headers("Content-Type", "text/html")}, want: "text/html"},
		{name: "header", exchange: exchange{status: 200, response: emptyList, header: headers("Content-Type", jsonType, "Retry-After", "5")}, want: "Retry-After"},
		{name: "value of a header", exchange: exchange{status: 200, response: emptyList, header: headers("Content-Type", jsonType, "Cache-Control", "private")}, want: "Cache-Control"},
		{name: "no Allow", exchange: exchange{method: "PATCH", status: 405, response: `{"code":40501,"message":"m"}`}, want: "Allow"},
		{name: "success of an unknown path", exchange: exchange{target: "/nothing", status: 200, response: updated}, want: "no status 200"},
		{name: "accepted body", exchange: exchange{method: "PUT", target: "/api/v1/webhooks/1", body: `{}`, status: 200, response: updated}, want: "accepted"},
		{name: "accepted query", exchange: exchange{target: "/api/v1/webhooks/1/logs?page=0", status: 200,
			response: `{"code":0,"message":"success","data":{"items":[],"pagination":{"page":1,"page_size":20,"total":0,"total_pages":0}}}`}, want: "accepted"},
		{name: "accepted path", exchange: exchange{method: "DELETE", target: "/api/v1/webhooks/0", status: 204}, want: "accepted"},
		{name: "accepted event", exchange: exchange{method: "POST", target: "/api/v1/events", body: `{"type":"x","data":1}`, status: 202, response: accepted}, want: "accepted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if failure := tt.failure(t); !strings.Contains(failure, tt.want) {
				t.Errorf("failure = %q, want one about %q", failure, tt.want)
			}
		})
	}
}

func TestEventDecodesTheGatewaysEvent(t *testing.T) {
	t.Parallel()
	request := events.APIGatewayV2HTTPRequest{RawPath: "/api/v1/webhooks/1", Body: "e30=", IsBase64Encoded: true} // {}
	request.RequestContext.HTTP.Method = "PUT"
	response := events.APIGatewayV2HTTPResponse{StatusCode: 200, Headers: headersOf("application/json"), Body: updated}
	r := &recorder{TB: t}
	openapitest.Event(r, request, response)
	if !strings.Contains(r.failure, "accepted") {
		t.Errorf("failure = %q, want one about the accepted empty object", r.failure)
	}

	for path, passes := range map[string]bool{"/%zz": false, "/a#b?c": false, "/\n": false, "/api/v1/webhooks/1#?%\n": true} {
		r := &recorder{TB: t}
		request.RawPath = path
		openapitest.Event(r, request, events.APIGatewayV2HTTPResponse{StatusCode: 400, Headers: headersOf("application/json"), Body: `{"code":40004,"message":"m"}`})
		if (r.failure == "") != passes {
			t.Errorf("400 for the path %q: %q", path, r.failure)
		}
	}
}

func headersOf(contentType string) map[string]string {
	return map[string]string{"content-type": contentType}
}
