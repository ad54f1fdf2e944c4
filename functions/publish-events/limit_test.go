package main

import (
	"log/slog"
	"strconv"
	"strings"
	"testing"

	"webhooks/shared/testkit/cloudtest"
)

// list returns a request with n events.
func list(n int) string {
	return `{"events":[` + strings.TrimSuffix(strings.Repeat(`{"type":"alert.resolved","data":1},`, n), ",") + `]}`
}

// A refused request queues none of its events, and is accepted later as a whole.
func TestATenantThatPublishesTooFastIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t) // 1 event a second, 100 at once
	if response := b.publish(t, list(90)); response.Status != 202 {
		t.Fatalf("response = %d %s", response.Status, response.Body)
	}
	if n := len(b.queued(t)); n != 90 {
		t.Fatalf("%d events are queued, want 90", n)
	}
	for name, body := range map[string]string{
		"a list": list(100), "a list with an invalid event": strings.Replace(list(99), `[`, `[7,`, 1),
	} {
		response := b.publish(t, body)
		wait, err := strconv.Atoi(header(response, "Retry-After"))
		if response.Status != 429 || response.Envelope(t).Code != 42903 || err != nil || wait < 60 || wait > 90 {
			t.Errorf("%s: response = %d %s with Retry-After %q", name, response.Status, response.Body, header(response, "Retry-After"))
		}
	}
	if n := len(b.queued(t)); n != 0 {
		t.Errorf("%d events of refused requests are queued", n)
	}
	if !strings.Contains(b.log.String(), `"code":42903`) || strings.Contains(b.log.String(), `"level":"ERROR"`) {
		t.Errorf("log = %s", b.log)
	}
	// Events that are not valid cost nothing.
	if response := b.publish(t, `{"type":"nothing","data":1}`); response.Status != 400 {
		t.Errorf("an invalid event: %d %s", response.Status, response.Body)
	}
	b.request.RequestContext.Authorizer.Lambda["tenant_id"] = "globex"
	if response := b.publish(t, list(100)); response.Status != 202 {
		t.Errorf("another tenant: %d %s", response.Status, response.Body)
	}
}

// header returns a header of a response, whatever its case.
func header(response cloudtest.Response, name string) string {
	for given, value := range response.Headers {
		if strings.EqualFold(given, name) {
			return value
		}
	}
	return ""
}

func TestMoreEventsThanTheBurstAreRefusedInWords(t *testing.T) {
	t.Parallel()
	function, err := build(slog.New(slog.DiscardHandler), cloudtest.Getenv(t, map[string]string{
		"EVENTS_TABLE": cloudtest.Table(t, "EventsTable"), "EVENTS_QUEUE_URL": cloudtest.Queue(t), "PUBLISH_RATE": "20", "PUBLISH_BURST": "50",
	}))
	if err != nil {
		t.Fatal(err)
	}
	b := bundle{function: function, request: cloudtest.Request(t, "publish-events.json")}
	response := b.publish(t, list(51))
	if want := `{"code":41303,"message":"一次请求最多发布 50 个事件，请分成多个请求"}`; response.Status != 413 || response.Body != want || header(response, "Retry-After") != "" {
		t.Errorf("response = %d %s, want 413 %s", response.Status, response.Body, want)
	}
	if response := b.publish(t, list(50)); response.Status != 202 {
		t.Errorf("a whole burst: %d %s", response.Status, response.Body)
	}
}
