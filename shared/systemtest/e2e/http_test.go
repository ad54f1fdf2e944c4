package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/testkit/openapitest"
)

// answer is an HTTP response with its whole body.
type answer struct {
	Status int
	Header http.Header
	Body   string
}

// do sends a request. The test fails without a response.
func do(t testing.TB, request *http.Request) answer {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("read the response to %s %s: %v", request.Method, request.URL, err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
}

// call sends a request of the tenant to the API. The headers are pairs of name
// and value; an empty value removes the header. The test fails if the OpenAPI document
// does not have the response.
func (c *tenant) call(method, path, body string, headers ...string) answer {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.stack.APIURL+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+c.key)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
		if headers[i+1] == "" {
			request.Header.Del(headers[i])
		}
	}
	got := do(c.t, request)
	c.documented(request, path, got)
	return got
}

// documented checks a response against the OpenAPI document, whose paths do not have
// the stack's base URL.
func (c *tenant) documented(request *http.Request, path string, got answer) {
	c.t.Helper()
	here := request.Clone(request.Context())
	var err error
	if here.URL, err = url.Parse(path); err != nil {
		c.t.Fatal(err)
	}
	openapitest.Check(c.t, here, openapitest.Response{Status: got.Status, Header: got.Header, Body: got.Body})
}

// timeInText matches a time within a message.
var timeInText = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

// contractTime matches a time as the API document shows it.
var contractTime = regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"`)

// is compares status and body with the API document. Want is the whole JSON body, with
// "TIME" for any time as the document shows it; "" is an empty body.
func (a answer) is(t testing.TB, status int, want string) {
	t.Helper()
	if a.Status != status {
		t.Errorf("status = %d, want %d; the body is %s", a.Status, status, a.Body)
		return
	}
	if want == "" {
		if a.Body != "" {
			t.Errorf("body = %q, want none", a.Body)
		}
		return
	}
	if got := a.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("content type = %q", got)
	}
	got := contractTime.ReplaceAllString(a.Body, `"TIME"`)
	if diff := cmp.Diff(parsed(t, want), parsed(t, got)); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

// parsed parses JSON and keeps the digits of its numbers.
func parsed(t testing.TB, text string) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("not JSON: %v: %q", err, text)
	}
	return value
}

// dataOf returns the data of a success response.
func dataOf[T any](t testing.TB, a answer, status int) T {
	t.Helper()
	var envelope struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Data    T      `json:"data"`
	}
	if err := json.Unmarshal([]byte(a.Body), &envelope); err != nil || a.Status != status || envelope.Code != 0 {
		t.Fatalf("status = %d, want %d (%v); the body is %s", a.Status, status, err, a.Body)
	}
	return envelope.Data
}

// refusal is an error response.
type refusal struct {
	Status  int
	Code    int
	Message string
	Fields  []string // the refused fields, in the order of the response
}

// refused parses an error response. Every refused field must have a message.
func (a answer) refused(t testing.TB) refusal {
	t.Helper()
	var envelope struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Data    struct {
			Errors []struct {
				Field   string `json:"field"`
				Message string `json:"message"`
			} `json:"errors"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(a.Body), &envelope); err != nil || envelope.Message == "" {
		t.Fatalf("response %d is not an envelope (%v): %s", a.Status, err, a.Body)
	}
	r := refusal{Status: a.Status, Code: envelope.Code, Message: envelope.Message}
	for _, e := range envelope.Data.Errors {
		if e.Message == "" {
			t.Errorf("the field %q is refused without a message", e.Field)
		}
		r.Fields = append(r.Fields, e.Field)
	}
	return r
}

// created is the data of a created webhook.
type created struct {
	ID     int64  `json:"webhook_id"`
	Secret string `json:"secret"`
}

// webhook creates a webhook with a generated secret.
func (c *tenant) webhook(url string, events ...string) created {
	c.t.Helper()
	names, err := json.Marshal(events)
	if err != nil {
		c.t.Fatal(err)
	}
	body := fmt.Sprintf(`{"name":"a test","url":%q,"events":%s}`, url, names)
	return dataOf[created](c.t, c.call("POST", "/api/v1/webhooks", body), http.StatusCreated)
}

// update changes a webhook.
func (c *tenant) update(id int64, body string) {
	c.t.Helper()
	c.call("PUT", path(id), body).is(c.t, http.StatusOK, `{"code":0,"message":"更新成功"}`)
}

// path returns the path of a webhook, or of a resource below it.
func path(id int64, rest ...string) string {
	return fmt.Sprintf("/api/v1/webhooks/%d%s", id, strings.Join(rest, ""))
}
