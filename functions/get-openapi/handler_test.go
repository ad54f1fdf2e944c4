package main

import (
	"log/slog"
	"net/http"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/httpapi"
	"webhooks/shared/httpapi/openapi"
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
	return bundle{function, cloudtest.Request(t, "get-openapi.json")}
}

// ask sends the sample event with an If-None-Match header.
func (b bundle) ask(t *testing.T, tags string) cloudtest.Response {
	t.Helper()
	b.request.Headers["if-none-match"] = tags
	return cloudtest.Invoke(t, b.function, b.request)
}

func TestTheSampleEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	response := cloudtest.Invoke(t, b.function, b.request)
	if response.Status != http.StatusOK || response.Body != openapi.Document() {
		t.Errorf("response %d of %d bytes, want the document of %d", response.Status, len(response.Body), len(openapi.Document()))
	}
	if got := response.Headers["Content-Type"]; got != "application/json; charset=utf-8" {
		t.Errorf("content type = %q", got)
	}
	if response.Headers["Etag"] != openapi.ETag() || response.Headers["Cache-Control"] != "public, max-age=300" {
		t.Errorf("headers = %v", response.Headers)
	}
}

func TestClientWithTheDocumentGets304(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, tags string
		want       int
	}{
		{name: "the ETag", tags: openapi.ETag(), want: http.StatusNotModified},
		{name: "the ETag, weakened by a proxy", tags: "W/" + openapi.ETag(), want: http.StatusNotModified},
		{name: "one of several", tags: `"other", ` + openapi.ETag(), want: http.StatusNotModified},
		{name: "any ETag", tags: "*", want: http.StatusNotModified},
		{name: "another ETag", tags: `"other"`, want: http.StatusOK},
		{name: "not quoted", tags: openapi.ETag()[1:33], want: http.StatusOK},
		{name: "none", tags: "", want: http.StatusOK},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			response := setup(t).ask(t, tt.tags)
			if response.Status != tt.want || (response.Body == "") != (tt.want == http.StatusNotModified) {
				t.Errorf("response %d of %d bytes, want %d", response.Status, len(response.Body), tt.want)
			}
			if response.Headers["Etag"] != openapi.ETag() {
				t.Errorf("headers = %v, want the ETag", response.Headers)
			}
		})
	}
}
