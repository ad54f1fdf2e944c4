package e2e_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// TestLogTruncatesTheResponseBody: a receiver may send any body.
func TestLogTruncatesTheResponseBody(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body, want string
		truncated        bool
	}{
		{"300 KB", strings.Repeat("x", 300_000), strings.Repeat("x", 512), true},
		{"300 KB of Chinese", strings.Repeat("环境", 50_000), strings.Repeat("环境", 85), true},
		{"binary", "\x00\xff\xfe\x1b[2J\x80OK", "\x00\ufffd\x1b[2J\ufffdOK", false},
		{"300 KB of binary", strings.Repeat("\xff\x00", 150_000), strings.Repeat("\ufffd\x00", 128), true},
		{"exactly 512 bytes", strings.Repeat("y", 512), strings.Repeat("y", 512), false},
		{"513 bytes", strings.Repeat("z", 513), strings.Repeat("z", 512), true},
		{"nothing", "", "", false},
		{"markup", `<script>"&'</script>`, `<script>"&'</script>`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := setup(t)
			r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/octet-stream")
				_, _ = w.Write([]byte(test.body)) // fails when the client reads only the beginning
			})
			made := c.webhook(r.URL, "environment.created")
			publish(t, c.event("evt-1", `{}`))

			log := c.waitForLogs(made.ID, 1)[0]
			if log.Outcome != "delivered" || log.StatusCode != http.StatusOK {
				t.Errorf("log = %+v, want it delivered", log)
			}
			if log.ResponseBody != test.want || log.Truncated != test.truncated {
				t.Errorf("response_body has %d bytes (%.40q…), truncated is %t; want %d bytes, %t",
					len(log.ResponseBody), log.ResponseBody, log.Truncated, len(test.want), test.truncated)
			}
			if raw := c.call("GET", path(made.ID, "/logs"), "").Body; !utf8.ValidString(raw) {
				t.Errorf("the response is not valid UTF-8: %q", raw)
			}
		})
	}
}

// slow is a response time within the 15 s of an attempt.
const slow = 14 * time.Second

// TestFastReceiverDoesNotWaitForASlowOne: the deliveries of one event are in one
// batch, and one receiver responds just before the timeout.
func TestFastReceiverDoesNotWaitForASlowOne(t *testing.T) {
	t.Parallel()
	c, fast, ended := setup(t), newReceiver(t, ok), make(chan struct{})
	lazy := newReceiver(t, func(w http.ResponseWriter, request *http.Request) {
		defer close(ended)
		select {
		case <-time.After(slow):
			ok(w, request)
		case <-request.Context().Done():
		}
	})
	slowly, quickly := c.webhook(lazy.URL, "environment.created"), c.webhook(fast.URL, "environment.created")
	publish(t, c.event("evt-1", `{}`))

	fast.next(t)
	lazy.next(t)
	c.waitForLogs(quickly.ID, 1)
	select {
	case <-ended:
		t.Error("the fast receiver's log was written only after the slow receiver responded")
	default:
	}
	if page := c.logs(slowly.ID, ""); page.Pagination.Total != 0 {
		t.Errorf("the slow receiver has the log %+v before it responded", page.Items)
	}
	log := c.waitForLogs(slowly.ID, 1)[0]
	if log.Outcome != "delivered" || log.ResponseTime < slow.Milliseconds() {
		t.Errorf("log = %+v, want it delivered after %v", log, slow)
	}
}

// TestAttemptTimesOutAfter15Seconds has a receiver that never responds.
func TestAttemptTimesOutAfter15Seconds(t *testing.T) {
	t.Parallel()
	c := setup(t)
	r := newReceiver(t, func(_ http.ResponseWriter, request *http.Request) { <-request.Context().Done() })
	made := c.webhook(r.URL, "environment.created")
	publish(t, c.event("evt-1", `{}`))

	log := c.waitForLogs(made.ID, 1)[0]
	if log.Outcome != "retrying" || log.StatusCode != 0 || log.Error != "接收方未在规定时间内开始响应" ||
		log.ResponseTime < 15_000 || log.ResponseTime > 17_000 {
		t.Errorf("log = %+v, want outcome retrying after 15 s", log)
	}
	c.call("DELETE", path(made.ID), "") // otherwise it gets requests for three days
}
