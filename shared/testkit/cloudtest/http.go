package cloudtest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/httpapi"
	"webhooks/shared/testkit/openapitest"
)

// Request returns the sample event events/<name> of a function behind the API.
func Request(t testing.TB, name string) events.APIGatewayV2HTTPRequest {
	t.Helper()
	var request events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(Event(t, name), &request); err != nil {
		t.Fatalf("events/%s: %v", name, err)
	}
	return request
}

// Response is the response of a function behind the API.
type Response struct {
	Status  int
	Headers map[string]string
	Body    string
}

// Invoke invokes a function as API Gateway does, with the length of the body that the
// request has now. The test fails if the OpenAPI document does not have the response.
func Invoke(t testing.TB, function httpapi.Function, request events.APIGatewayV2HTTPRequest) Response {
	t.Helper()
	if _, given := request.Headers["content-length"]; given {
		request.Headers = maps.Clone(request.Headers)
		request.Headers["content-length"] = strconv.Itoa(bodyLength(request))
	}
	response, err := function(t.Context(), request)
	if err != nil {
		t.Fatalf("the function failed: %v", err)
	}
	openapitest.Event(t, request, response)
	if size := EncodedSize(t, response); size > maxResponse {
		t.Errorf("the response has %d bytes, more than %d", size, maxResponse)
	}
	return Response{Status: response.StatusCode, Headers: response.Headers, Body: response.Body}
}

// maxResponse is the limit of a function's response, in bytes:
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxResponse = 6 << 20

// EncodedSize returns how many bytes a response has as aws-lambda-go encodes it, which
// is what Lambda limits.
func EncodedSize(t testing.TB, response events.APIGatewayV2HTTPResponse) int {
	t.Helper()
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(response); err != nil {
		t.Fatal(err)
	}
	return text.Len()
}

// bodyLength returns the bytes of the body that the client sent.
func bodyLength(request events.APIGatewayV2HTTPRequest) int {
	if request.IsBase64Encoded {
		return base64.StdEncoding.DecodedLen(len(request.Body)) - strings.Count(request.Body, "=")
	}
	return len(request.Body)
}

// Envelope is the contract's envelope, of a success or of an error.
type Envelope struct {
	Code    int            `json:"code"`
	Message string         `json:"message"`
	Data    map[string]any `json:"data"`
}

// Envelope decodes the body. The test fails if it is not an envelope.
func (r Response) Envelope(t testing.TB) Envelope {
	t.Helper()
	var e Envelope
	if err := json.Unmarshal([]byte(r.Body), &e); err != nil || e.Message == "" {
		t.Fatalf("response %d has no envelope: %q (%v)", r.Status, r.Body, err)
	}
	return e
}

// Refused returns the names of the invalid fields of an error, in their order.
func (r Response) Refused(t testing.TB) []string {
	t.Helper()
	var names []string
	list, _ := r.Envelope(t).Data["errors"].([]any)
	for _, entry := range list {
		refused, _ := entry.(map[string]any)
		name, _ := refused["field"].(string)
		if message, _ := refused["message"].(string); message == "" {
			t.Errorf("field %s is refused without a message", name)
		}
		names = append(names, name)
	}
	return names
}
