package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/event"
	"webhooks/shared/httpapi"
	"webhooks/shared/testkit/openapitest"
)

// TestOpenAPIExamplesMatchTheResponses sends the example requests of the OpenAPI
// document as a new tenant and compares the responses with its examples. It covers
// every success, and every error that a caller can cause. Package openapi compares the
// messages of the other errors.
func TestOpenAPIExamplesMatchTheResponses(t *testing.T) {
	t.Parallel()
	x := newExamples(t)
	const one, two = "/api/v1/webhooks/1", "/api/v1/webhooks/2"

	x.send("createWebhook", "documented", "POST", "/api/v1/webhooks")
	x.get("listWebhooks", "/api/v1/webhooks")
	x.get("getWebhook", one)
	x.send("publishEvents", "one", "POST", "/api/v1/events")
	x.waitForLogs(1, 1)
	x.get("listWebhookLogs", one+"/logs")
	x.conflict()
	x.send("resendLog", "documented", "POST", one+"/logs/1/resend")
	x.send("testWebhook", "documented", "POST", one+"/test")
	x.send("rotateSecret", "documented", "POST", one+"/secret/rotate")
	x.fail(42901, "POST", one+"/test", "")

	x.send("createWebhook", "shortest", "POST", "/api/v1/webhooks")
	x.update(2, `{"url":"http://127.0.0.1:1/"}`) // a port that refuses connections
	x.send("testWebhook", "unreachable", "POST", two+"/test")
	x.fail(40905, "POST", two+"/logs/1/resend", "")

	x.errors()
	x.send("updateWebhook", "paced", "PUT", two)
	x.send("updateWebhook", "documented", "PUT", one) // disables the webhook
	x.fail(40904, "POST", one+"/logs/1/resend", "")
	x.underWay()
	x.complete()
}

// underWay sends a test while another waits for its receiver.
func (x *examples) underWay() {
	x.t.Helper()
	answered := make(chan struct{})
	slow := newReceiver(x.t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-answered:
			ok(w, r)
		case <-r.Context().Done():
		}
	})
	made, other := x.webhook(slow.URL, "alert.resolved"), x.webhook(slow.URL, "alert.resolved") // neither was tested just now
	first := make(chan answer, 1)
	go func() { first <- x.call("POST", path(made.ID, "/test"), "") }()
	slow.next(x.t)
	x.fail(42902, "POST", path(other.ID, "/test"), "")
	close(answered)
	if got := <-first; got.Status != http.StatusOK {
		x.t.Errorf("the test that was under way returned %d %s", got.Status, got.Body)
	}
}

// errors causes the errors that need only a webhook.
func (x *examples) errors() {
	const one = "/api/v1/webhooks/1"
	large := fmt.Sprintf(`{"type":"alert.resolved","data":"%s"}`, strings.Repeat("x", event.MaxData))
	x.fail(40001, "POST", "/api/v1/webhooks", "")
	x.fail(40002, "POST", "/api/v1/webhooks", `{"url":"ftp://your-server.com/","events":["alert.resolved"]}`)
	x.fail(40003, "PUT", one, `{}`)
	x.fail(40004, "GET", "/api/v1/webhooks/one", "")
	x.fail(40005, "GET", one+"/logs?page=%zz", "")
	x.fail(40006, "POST", one+"/logs/one/resend", "")
	x.fail(40401, "GET", "/api/v1/webhooks/99", "")
	x.call("POST", one+"/secret/rotate", `{"overlap_days":0}`)
	x.call("PUT", one, `{"secret":"another-secret"}`)
	x.call("POST", one+"/secret/rotate", `{"overlap_days":7}`)
	x.fail(40906, "POST", one+"/secret/rotate", "")
	x.fail(40402, "GET", "/api/v1/nothing", "")
	x.fail(40403, "POST", one+"/logs/99/resend", "")
	x.fail(40501, "PATCH", one, "")
	x.fail(40903, "POST", "/api/v1/events", `{"id":"env-42-created","type":"environment.deleted","data":{}}`)
	x.fail(41301, "POST", "/api/v1/webhooks", strings.Repeat(" ", httpapi.MaxBody+1))
	x.fail(41302, "POST", "/api/v1/events", large)
	x.fail(41501, "PUT", one, `{}`, "Content-Encoding", "gzip")
	reader := *x
	reader.tenant = x.with(x.t, issueKey(x.t, map[string]any{"tenant_id": x.id, "scopes": []string{"webhooks:read"}}).APIKey)
	reader.fail(40301, "POST", "/api/v1/webhooks", documented)
}

// example names an example response.
type example struct {
	operation string
	status    int
	name      string
}

// examples are the examples of the document, and a tenant that tries them. Requests to
// the documented receiver go to a receiver of the test.
type examples struct {
	*tenant
	server    string // stands for https://your-server.com
	requests  map[string]string
	successes map[example]any
	failures  map[int]any
	tried     map[example]bool
	provoked  map[int]bool
}

func newExamples(t *testing.T) *examples {
	x := &examples{
		tenant: setup(t), server: strings.TrimSuffix(newReceiver(t, ok).URL, "/webhook"),
		requests: map[string]string{}, successes: map[example]any{}, failures: map[int]any{},
		tried: map[example]bool{}, provoked: map[int]bool{},
	}
	document := openapitest.Document(t)
	for _, item := range document.Paths.Map() {
		for _, o := range item.Operations() {
			if o.RequestBody != nil {
				for name, e := range o.RequestBody.Value.Content["application/json"].Examples {
					x.requests[o.OperationID+" "+name] = text(t, e.Value.Value)
				}
			}
			for _, status := range []int{http.StatusOK, http.StatusCreated, http.StatusAccepted} {
				if response := o.Responses.Status(status); response != nil {
					for name, e := range response.Value.Content["application/json"].Examples {
						x.successes[example{o.OperationID, status, name}] = e.Value.Value
					}
				}
			}
		}
	}
	for name, e := range document.Components.Examples {
		var code int
		if _, err := fmt.Sscanf(name, "Error%d", &code); err != nil {
			t.Fatalf("the name of the example %s has no error code", name)
		}
		x.failures[code] = e.Value.Value
	}
	return x
}

// get compares the response to a GET with the only example of the document.
func (x *examples) get(operation, path string) { x.send(operation, "documented", "GET", path) }

// send sends the example request of an operation, if it has one, and compares the
// response with the example of the same name.
func (x *examples) send(operation, name, method, path string) {
	x.t.Helper()
	x.compare(operation, name, x.call(method, path, x.body(operation, name)))
}

func (x *examples) body(operation, name string) string {
	return strings.ReplaceAll(x.requests[operation+" "+name], "https://your-server.com", x.server)
}

func (x *examples) compare(operation, name string, got answer) {
	x.t.Helper()
	key := example{operation, got.Status, name}
	x.tried[key] = true
	if diff := cmp.Diff(x.comparable(text(x.t, x.successes[key])), x.comparable(got.Body)); diff != "" {
		x.t.Errorf("%+v (-document +stack):\n%s", key, diff)
	}
}

// conflict sends a batch of two events, one of which has the id of a stored event. It
// waits until that event is stored.
func (x *examples) conflict() {
	x.t.Helper()
	var got answer
	eventually(x.t, func() string {
		got = x.call("POST", "/api/v1/events", x.body("publishEvents", "several"))
		if !strings.Contains(got.Body, "40903") {
			return "the event env-42-created is not stored: " + got.Body
		}
		return ""
	})
	x.compare("publishEvents", "several", got)
}

// fail sends a request and compares the response with the example of an error code.
func (x *examples) fail(code int, method, path, body string, headers ...string) {
	x.t.Helper()
	x.provoked[code] = true
	got := x.call(method, path, body, headers...)
	if diff := cmp.Diff(x.comparable(text(x.t, x.failures[code])), x.comparable(got.Body)); diff != "" || got.Status != code/100 {
		x.t.Errorf("%s %s returned %d, want the example of %d (-document +stack):\n%s", method, path, got.Status, code, diff)
	}
}

// comparable replaces the values that differ from run to run.
func (x *examples) comparable(body string) any {
	body = strings.ReplaceAll(body, x.server, "https://your-server.com")
	body = contractTime.ReplaceAllString(body, `"TIME"`)
	body = timeInText.ReplaceAllString(body, "TIME")
	body = regexp.MustCompile(`"response_time":\s*\d+`).ReplaceAllString(body, `"response_time":0`)
	body = regexp.MustCompile(`whsec_[A-Za-z0-9+/]{43}=`).ReplaceAllString(body, "whsec_")
	return parsed(x.t, regexp.MustCompile(`\d+ 秒`).ReplaceAllString(body, "5 秒"))
}

// complete fails the test if an example was not compared.
func (x *examples) complete() {
	x.t.Helper()
	for key := range x.successes {
		if !x.tried[key] {
			x.t.Errorf("the example %+v is not compared with a response", key)
		}
	}
	notProvoked := []int{
		40101,        // the gateway responds before a function runs
		40901, 50001, // caused by a conflict of writes, or by a fault
		40902, 40907, // need a thousand webhooks
		41303, // needs a burst below 100
		42903, // needs a thousand events
		50301, // needs an outage of AWS
	}
	want := slices.Sorted(maps.Keys(x.failures))
	got := slices.Sorted(maps.Keys(x.provoked))
	got = append(got, notProvoked...)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		x.t.Errorf("codes that are compared with a response (-document +test):\n%s", diff)
	}
}

func text(t testing.TB, value any) string {
	t.Helper()
	b, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
