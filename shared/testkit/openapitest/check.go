package openapitest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// Response is the response to a request.
type Response struct {
	Status int
	Header http.Header
	Body   string
}

// Event fails the test if the document does not have the function's response to the
// gateway's event, or if the function accepted an event that the document does not
// allow.
func Event(t testing.TB, request events.APIGatewayV2HTTPRequest, response events.APIGatewayV2HTTPResponse) {
	t.Helper()
	got := Response{Status: response.StatusCode, Header: http.Header(response.MultiValueHeaders).Clone(), Body: response.Body}
	if got.Header == nil {
		got.Header = http.Header{}
	}
	for name, value := range response.Headers {
		got.Header.Set(name, value)
	}
	body := []byte(request.Body)
	if request.IsBase64Encoded {
		body, _ = base64.StdEncoding.DecodeString(request.Body) // invalid base64 gets a 400, and Check reads the bodies of accepted requests only
	}
	r, err := http.NewRequestWithContext(t.Context(), request.RequestContext.HTTP.Method, "/", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Path, r.URL.RawQuery = request.RawPath, request.RawQueryString // decoded already, and as sent
	for name, value := range request.Headers {
		r.Header.Set(name, value)
	}
	Check(t, r, got)
}

// Check fails the test if the document does not have the response to r, or if r was
// accepted although the document does not allow it. If r has a body, GetBody must
// return it again.
func Check(t testing.TB, r *http.Request, got Response) {
	t.Helper()
	c := loaded(t)
	o, ok := c.find(r)
	if !ok {
		switch got.Status {
		case http.StatusMethodNotAllowed:
			o = c.component("WrongMethod", got.Status)
		default:
			o = c.component("RouteNotFound", http.StatusNotFound)
		}
	}
	if err := c.check(o, r, got); err != nil {
		t.Errorf("%s %s: openapi.json does not have the response %d %.500s\n%v", r.Method, r.URL, got.Status, got.Body, err)
	}
}

func loaded(t testing.TB) contract {
	t.Helper()
	c, err := load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c contract) check(o operation, r *http.Request, got Response) error {
	input, err := c.input(o, r)
	if err != nil {
		return err
	}
	response := o.Responses.Status(got.Status)
	if response == nil {
		return fmt.Errorf("there is no status %d", got.Status)
	}
	if got.Status < http.StatusMultipleChoices && !(o.OperationID == "publishEvents" && partlyRefused(got)) {
		if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
			return fmt.Errorf("the request was accepted, but: %w", err)
		}
	}
	if len(response.Value.Content) == 0 && got.Body != "" {
		return fmt.Errorf("%d has no body", got.Status)
	}
	if err := checkHeaders(response.Value, got.Header); err != nil {
		return err
	}
	return openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: got.Status, Header: got.Header,
		Body: io.NopCloser(strings.NewReader(got.Body)), Options: input.Options,
	})
}

// partlyRefused reports whether some events of an accepted list were refused.
func partlyRefused(got Response) bool {
	var body struct {
		Data struct {
			Items []struct{ Error json.RawMessage }
		}
	}
	return json.Unmarshal([]byte(got.Body), &body) == nil &&
		slices.ContainsFunc(body.Data.Items, func(item struct{ Error json.RawMessage }) bool { return item.Error != nil })
}

// input returns r as kin-openapi expects it, with a copy of the body.
func (c contract) input(o operation, r *http.Request) (*openapi3filter.RequestValidationInput, error) {
	r = r.Clone(r.Context())
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		r.Body = body
	}
	if r.Header.Get("Content-Type") == "" || o.RequestBody == nil {
		r.Header.Set("Content-Type", "application/json") // the service reads every body as JSON
	}
	c.paths.ServeHTTP(discard{}, r) // sets the path's values
	values := map[string]string{}
	for _, name := range []string{"webhook_id", "log_id"} {
		if value := r.PathValue(name); value != "" {
			values[name] = value
		}
	}
	return &openapi3filter.RequestValidationInput{
		Request: r, PathParams: values,
		Route: &routers.Route{Spec: c.document, Path: o.path, PathItem: o.item, Method: o.method, Operation: o.Operation},
		Options: &openapi3filter.Options{
			IncludeResponseStatus: true, SkipSettingDefaults: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
		},
	}, nil
}

// checkHeaders refuses undocumented headers on which a client acts. kin-openapi checks
// the documented ones.
func checkHeaders(response *openapi3.Response, header http.Header) error {
	for _, name := range []string{"Accept-Encoding", "Allow", "Etag", "Link", "Location", "Retry-After", "Www-Authenticate"} {
		if header.Get(name) == "" {
			continue
		}
		documented := false
		for known := range response.Headers {
			documented = documented || strings.EqualFold(known, name)
		}
		if !documented {
			return fmt.Errorf("there is no header %s", name)
		}
	}
	return nil
}

// discard is a ResponseWriter that discards the response.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}
