package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/apperr"
	"webhooks/shared/auth"
	"webhooks/shared/httpapi"
	"webhooks/shared/testkit/openapitest"
)

// showID answers the id of the path.
func showID(r *http.Request, _ auth.Caller) (httpapi.Reply, error) {
	id, err := httpapi.WebhookID(r)
	return httpapi.OK(map[string]int64{"id": id}), err
}

// TestPathIsDecodedOnce has the paths of events: API Gateway has decoded them. What was
// an escaped character is part of its segment, and what was escaped twice stays
// escaped.
func TestPathIsDecodedOnce(t *testing.T) {
	t.Parallel()
	const ok, badID, noRoute = `"data":{"id":7}`, `"code":40004`, `"code":40402`
	tests := []struct{ name, segment, want string }{
		{name: "digits", segment: "7", want: ok},
		{name: "zero", segment: "0", want: badID},
		{name: "leading zero", segment: "07", want: badID},
		{name: "minus", segment: "-7", want: badID},
		{name: "plus", segment: "+7", want: badID},
		{name: "point", segment: "7.0", want: badID},
		{name: "exponent", segment: "7e0", want: badID},
		{name: "hexadecimal", segment: "0x7", want: badID},
		{name: "separator", segment: "7_0", want: badID},
		{name: "word", segment: "seven", want: badID},
		{name: "beyond 64 bits", segment: "9223372036854775808", want: badID},
		{name: "a thousand digits", segment: strings.Repeat("7", 1000), want: badID},
		{name: "Arabic digit", segment: "\u0667", want: badID},
		{name: "full-width digit", segment: "\uff17", want: badID},
		{name: "number sign", segment: "7#x", want: badID},
		{name: "question mark", segment: "7?x", want: badID},
		{name: "question mark and a parameter", segment: "7?page=1", want: badID},
		{name: "semicolon", segment: "7;x", want: badID},
		{name: "ampersand", segment: "7&x=1", want: badID},
		{name: "bare percent sign", segment: "7%", want: badID},
		{name: "not an escape", segment: "7%zz", want: badID},
		{name: "escaped digit, escaped again", segment: "%37", want: badID},
		{name: "escaped number sign, escaped again", segment: "7%23x", want: badID},
		{name: "escaped slash, escaped again", segment: "7%2Flogs", want: badID},
		{name: "space", segment: "7 ", want: badID},
		{name: "line end", segment: "7\n", want: badID},
		{name: "null", segment: "7\x00", want: badID},
		{name: "line end and JSON", segment: "7\n{\"level\":\"ERROR\"}\n", want: badID},
		{name: "line end of JavaScript", segment: "7\u2028", want: badID},
		{name: "replaced bytes", segment: "7\ufffd", want: badID},
		{name: "backslash", segment: `7\..\8`, want: badID},
		{name: "two dots, escaped again", segment: "%2e%2e", want: badID},
		{name: "slash", segment: "7/8", want: noRoute},
		{name: "dots", segment: "..", want: noRoute},
		{name: "dots between", segment: "8/../7", want: noRoute},
		{name: "dot", segment: "./7", want: noRoute},
		{name: "double slash", segment: "/7", want: noRoute},
		{name: "slash at the end", segment: "7/", want: noRoute},
		{name: "nothing", segment: "", want: noRoute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := request("GET", "/api/v1/webhooks/"+tt.segment, "")
			response := setup(t, readWebhook(showID)).call(t, r)
			if !strings.Contains(response.Body, tt.want) {
				t.Errorf("response = %d %s, want %s", response.StatusCode, response.Body, tt.want)
			}
		})
	}
}

func TestPathsThatAreNoPath(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "*", "api/v1/other", "//api/v1/webhooks/7", "https://x/api/v1/webhooks/7", "/api/v1//webhooks/\ufffd", "/\x00", "?", "#"} {
		response := setup(t, readWebhook(showID)).call(t, request("GET", path, ""))
		if response.StatusCode != 404 || !strings.Contains(response.Body, `"code":40402`) {
			t.Errorf("%q: response = %d %s, want 404", path, response.StatusCode, response.Body)
		}
	}
}

// TestIDIsThePathParameterOfTheGateway: where the gateway's path ends at a decoded
// question mark, its path parameter shows what the client sent. Gateways hand it on
// decoded or as sent.
func TestIDIsThePathParameterOfTheGateway(t *testing.T) {
	t.Parallel()
	for parameter, want := range map[string]int{
		"7": 200, "%37": 200,
		"7?x": 400, "7%3Fx": 400, "7#x": 400, "7%23x": 400, "8": 400, "": 400, "%zz": 400, "%2537": 400, "07": 400, "7%00": 400,
	} {
		r := request("GET", webhookPath, "")
		r.PathParameters = map[string]string{"webhook_id": parameter}
		if response := setup(t, readWebhook(showID)).call(t, r); response.StatusCode != want {
			t.Errorf("parameter %q: response = %d %s, want %d", parameter, response.StatusCode, response.Body, want)
		}
	}
}

// TestQueryParametersMustBeKnown: the answer to a misspelt parameter would be that to
// another question.
func TestQueryParametersMustBeKnown(t *testing.T) {
	t.Parallel()
	unreadable := []string{"40005"}
	tests := []struct {
		query string
		known []string
		want  []string // the refused names; none means 200
	}{
		{query: ""},
		{query: "&"},
		{query: "page=1", known: []string{"page"}},
		{query: "%70age=1", known: []string{"page"}},
		{query: "page", known: []string{"page"}},
		{query: "pag=1", known: []string{"page"}, want: []string{"pag"}},
		{query: "Page=1", known: []string{"page"}, want: []string{"Page"}},
		{query: "page=1", want: []string{"page"}},
		{query: "page=1&page=1", known: []string{"page"}, want: []string{"page"}},
		{query: "page=1&%70age=2", known: []string{"page"}, want: []string{"page"}},
		{query: "b=1&a=1&a=2&page=1", known: []string{"page"}, want: []string{"a", "b"}},
		{query: "page%00=1", known: []string{"page"}, want: []string{"page\ufffd"}},
		{query: "page%0A=1", known: []string{"page"}, want: []string{"page\ufffd"}},
		{query: "page[]=1", known: []string{"page"}, want: []string{"page[]"}},
		{query: "=1", want: []string{""}},
		{query: "page=%zz", known: []string{"page"}, want: unreadable},
		{query: "page=%", known: []string{"page"}, want: unreadable},
		{query: "page=1;x=1", known: []string{"page"}, want: unreadable},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			t.Parallel()
			route := readWebhook(showID)
			route.Query = tt.known
			r := request("GET", webhookPath, "")
			r.RawQueryString, r.Headers["accept-language"] = tt.query, "en"
			response := setup(t, route).call(t, r)
			if len(tt.want) == 0 {
				if response.StatusCode != 200 {
					t.Errorf("response = %d %s, want 200", response.StatusCode, response.Body)
				}
				return
			}
			openapitest.Event(t, r, response)
			if diff := cmp.Diff(tt.want, refused(t, response)); diff != "" || response.StatusCode != 400 {
				t.Errorf("response %d, refused names or code (-want +got):\n%s", response.StatusCode, diff)
			}
		})
	}
}

// refused returns the names that an InvalidFields error refuses, or the code of
// another error.
func refused(t *testing.T, response events.APIGatewayV2HTTPResponse) []string {
	t.Helper()
	var body struct {
		Code int
		Data struct{ Errors []struct{ Field string } }
	}
	if err := json.Unmarshal([]byte(response.Body), &body); err != nil {
		t.Fatal(err)
	}
	if body.Code != int(apperr.InvalidFields) {
		return []string{strconv.Itoa(body.Code)}
	}
	var names []string
	for _, e := range body.Data.Errors {
		names = append(names, e.Field)
	}
	return names
}

// TestScopeComesBeforeTheQuery: a caller without the scope learns nothing about the
// route.
func TestScopeComesBeforeTheQuery(t *testing.T) {
	t.Parallel()
	r := request("GET", webhookPath, "")
	r.RawQueryString, r.RequestContext.Authorizer.Lambda = "x=1", map[string]any{"tenant_id": "acme"}
	if response := setup(t, readWebhook(showID)).call(t, r); response.StatusCode != 403 {
		t.Errorf("response = %d %s, want 403", response.StatusCode, response.Body)
	}
}

var echo = httpapi.Route{Pattern: "POST /api/v1/webhooks", Handle: func(r *http.Request, _ auth.Caller) (httpapi.Reply, error) {
	body, err := httpapi.ReadBody(r)
	return httpapi.OK(string(body)), err
}}

func TestContentCodingIsRefused(t *testing.T) {
	t.Parallel()
	for coding, want := range map[string]string{
		"": "", "identity": "", "Identity": "", " identity , identity": "", ",": "",
		"gzip": "gzip", "GZIP": "GZIP", "br": "br", "deflate": "deflate", "zstd": "zstd", "identity, gzip": "gzip", "gzip, identity": "gzip", "x": "x", "utf-8": "utf-8",
	} {
		r := request("POST", "/api/v1/webhooks", "{}")
		r.Headers["content-encoding"], r.Headers["accept-language"] = coding, "en"
		response := setup(t, echo).call(t, r)
		if want == "" {
			if response.StatusCode != 200 {
				t.Errorf("%q: response = %d %s, want 200", coding, response.StatusCode, response.Body)
			}
			continue
		}
		body := `{"code":41501,"message":"The content coding ` + want + ` is not supported; send the body without compression"}`
		if diff := cmp.Diff(body, response.Body); diff != "" || response.StatusCode != 415 || response.Headers["Accept-Encoding"] != "identity" {
			t.Errorf("%q: response = %d %v (-want +got):\n%s", coding, response.StatusCode, response.Headers, diff)
		}
		openapitest.Event(t, r, response)
	}
}

// TestBodyThatTheGatewayChangedIsRefused: API Gateway replaces invalid UTF-8 in the
// text of a JSON content type before the function sees it.
func TestBodyThatTheGatewayChangedIsRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		encoded    bool
		length     string // the header content-length
		want       int
	}{
		{name: "one byte replaced", body: `{"a":"` + "\ufffd" + `"}`, length: "9", want: 400},
		{name: "two bytes of a character", body: `{"a":"` + "\ufffd" + `"}`, length: "10", want: 400},
		{name: "the character itself", body: `{"a":"` + "\ufffd" + `"}`, length: "11", want: 200},
		{name: "Chinese", body: `{"a":"环境"}`, length: "14", want: 200},
		{name: "sent in chunks", body: `{"a":"x"}`, want: 200},
		{name: "not a number", body: `{"a":"x"}`, length: "nine", want: 200},
		{name: "base64 of a body", body: "e30=", encoded: true, length: "2", want: 200},
		{name: "base64 of another body", body: "e30=", encoded: true, length: "3", want: 400},
		{name: "cut", body: `{}`, length: "200", want: 400},
		{name: "empty", length: "0", want: 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := request("POST", "/api/v1/webhooks", tt.body)
			r.IsBase64Encoded, r.Headers["content-type"] = tt.encoded, "application/json"
			if tt.length != "" {
				r.Headers["content-length"] = tt.length
			}
			response := setup(t, echo).call(t, r)
			if response.StatusCode != tt.want || tt.want == 400 && !strings.Contains(response.Body, "invalid UTF-8") {
				t.Errorf("response = %d %s, want %d", response.StatusCode, response.Body, tt.want)
			}
		})
	}
}
