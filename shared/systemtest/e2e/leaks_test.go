package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

const (
	// markedData is part of events, and markedSecret is the secret of webhooks, which
	// reach every code path. No log may contain either.
	markedData   = "marked-event-data"
	markedSecret = "marked-secret-of-a-webhook"
)

// secretForms match what no log may contain.
func secretForms() map[string]*regexp.Regexp {
	return map[string]*regexp.Regexp{
		"an API key":               regexp.MustCompile(`whk_[a-z2-7]{16}_[a-z2-7]+`),
		"a secret":                 regexp.MustCompile(`whsec_|` + markedSecret + `|your-secret-key|密钥密钥`),
		"a signature":              regexp.MustCompile(`v1,[A-Za-z0-9+/]{8}`),
		"a JWT":                    regexp.MustCompile(`eyJ[A-Za-z0-9_-]+\.`),
		"an Authorization header":  regexp.MustCompile(`(?i)bearer [a-z0-9]`),
		"an event's body":          regexp.MustCompile(markedData + `|12345678901234567890\.10`),
		"AWS credentials":          regexp.MustCompile(`ASIA[A-Z0-9]{12}|(?i)secret_?access_?key|session_?token`),
		"a webhook's query string": regexp.MustCompile(`marked-token-in-a-url`),
	}
}

// TestMarkedValuesReachEveryCodePath prepares NoLogHoldsASecret: deliveries that
// succeed, fail and are echoed, events that are refused, and requests with a key, a
// secret or a body in the wrong place.
func TestMarkedValuesReachEveryCodePath(t *testing.T) {
	t.Parallel()
	c := setup(t)
	data := fmt.Sprintf(`{"text":%q}`, markedData)
	update := `{"secret":"` + markedSecret + `"}`

	good, failing, echoing := newReceiver(t, ok), newReceiver(t, statuses(500)), newReceiver(t, echoRaw)
	ids := make([]int64, 0, 3)
	for _, r := range []*receiver{good, failing, echoing} {
		made := c.webhook(r.URL+"?token=marked-token-in-a-url", "environment.created")
		c.update(made.ID, update)
		ids = append(ids, made.ID)
	}
	publish(t, c.event("evt-sqs", data), c.event("evt-large", fmt.Sprintf(`%q`, strings.Repeat(markedData, 4000))), c.event("evt-conflict", data),
		// These are refused because of a part of the message.
		fmt.Sprintf(`{"id":"evt-bad","tenant_id":%q,"type":"no.such","data":%q}`, c.id, markedData),
		fmt.Sprintf(`{"tenant_id":%q,"type":"environment.created","data":1,%q:2}`, c.id, markedData),
		c.id+markedData)
	putEvent(t, "environment.created", fmt.Sprintf(`{"tenant_id":%q,"text":%q}`, c.id, markedData))
	c.call("POST", eventsPath, `{"id":"evt-http","type":"environment.created","data":`+data+`}`)
	for _, r := range []*receiver{good, failing, echoing} {
		r.next(t)
	}
	publish(t, c.event("evt-conflict", `"another `+markedData+`"`))

	for _, id := range ids {
		eventually(t, func() string {
			if len(c.logs(id, "").Items) == 0 {
				return fmt.Sprintf("webhook %d has no log", id)
			}
			return ""
		})
		c.call("POST", path(id, "/test"), "")
		c.call("POST", path(id, "/logs/1/resend"), "")
	}
	c.misplaceSecrets(ids[0])
	for _, id := range ids {
		c.call("DELETE", path(id), "") // otherwise it gets requests for three days
	}
}

// misplaceSecrets sends a key and a secret in wrong places.
func (c *tenant) misplaceSecrets(id int64) {
	c.t.Helper()
	for _, request := range []struct{ method, path, body string }{
		{"GET", "/api/v1/webhooks/" + c.key, ""},
		{"GET", "/" + c.key, ""},
		{"GET", path(id, "/logs?page="+c.key), ""},
		{"GET", path(id, "/logs?key="+c.key+"&bad=%zz"), ""},
		{"PUT", path(id), `{"` + markedSecret + `":1}`},
		{"PUT", path(id), `{"secret":["` + markedSecret + `"]}`},
		{"PUT", path(id), `{"secret":"whsec_` + markedSecret + `"}`},
		{"POST", "/api/v1/webhooks", `{"name":"x","url":"https://user:` + markedSecret + `@example.com","events":["` + markedSecret + `"]}`},
		{"POST", "/api/v1/webhooks", `{"` + markedSecret + `":1,"` + markedSecret + `":2}`},
		{"POST", eventsPath, `{"type":"` + markedData + `","data":` + markedData + `}`},
	} {
		if got := c.call(request.method, request.path, request.body); got.Status < 400 || got.Status >= 500 {
			c.t.Errorf("%s %s returned %d, want it refused", request.method, request.path, got.Status)
		}
	}
	c.call("GET", "/api/v1/webhooks", "", "Authorization", "Basic "+c.key)
	c.call("GET", "/api/v1/webhooks", "", "Authorization", "Bearer "+c.key+"x")
	c.call("GET", "/api/v1/webhooks", "", "Authorization", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJtYXJrZWQifQ.")
	invoke(c.t, physicalID(c.t, "KeysFunction"), []byte(`{"action":"issue","tenant_id":"`+markedData+`#","scopes":["`+c.key+`"]}`), administrator(c.t))
}

// echoRaw returns parts of the request instead of an HTTP response.
func echoRaw(w http.ResponseWriter, r *http.Request) {
	conn, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = fmt.Fprintf(buffered, "%s %s\r\n\r\n", r.Header.Get("Webhook-Signature"), markedData)
	_ = buffered.Flush()
}

// noLogHoldsASecret searches the functions' log of the whole run, and the log of the
// local cloud, which has the output of the function processes.
func noLogHoldsASecret(t *testing.T) {
	lines := cloudLogs(t, time.Now().Add(-time.Hour), "")
	if len(lines) < 1000 {
		t.Fatalf("the functions' log has %d lines, want at least 1000: the whole run", len(lines))
	}
	process, err := os.ReadFile(deployed(t).LogFile)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(process)) {
		lines = append(lines, logLine{"the local cloud", line})
	}
	for what, form := range secretForms() {
		shown := 0
		for _, line := range lines {
			if found := form.FindStringIndex(line.Message); found != nil && shown < 3 {
				shown++
				t.Errorf("%s contains %s: %.600s", line.Stream, what, line.Message)
			}
		}
	}
}
