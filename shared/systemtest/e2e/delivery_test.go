package e2e_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// earliestRetry is the shortest first wait of the schedule: 5 s minus 20 %, from the
// time at which the event was sent. Tests check no upper bound, because the machine may
// be busy.
const earliestRetry = 4 * time.Second

func TestFailedDeliveryIsRetried(t *testing.T) {
	t.Parallel()
	c, r := setup(t), newReceiver(t, statuses(http.StatusInternalServerError, http.StatusOK))
	made := c.webhook(r.URL, "environment.created")
	sent := time.Now()
	publish(t, c.event("evt-1", `{"n":1}`))

	first := r.next(t)
	first.verify(t, made.Secret)
	log := c.waitForLogs(made.ID, 1)[0]
	if log.Outcome != "retrying" || log.StatusCode != 500 || log.Attempt != 1 || log.Error != "" {
		t.Errorf("log = %+v, want outcome retrying with status 500", log)
	}
	next, err := time.Parse("2006-01-02T15:04:05Z", log.NextAttemptAt)
	if wait := next.Sub(sent); err != nil || wait < earliestRetry-time.Second || wait > 7*time.Second {
		t.Errorf("next_attempt_at = %q (%v), %v after the event was sent, want 4 to 6 s", log.NextAttemptAt, err, wait)
	}

	second := r.next(t)
	second.verify(t, made.Secret)
	if wait := second.At.Sub(sent); wait < earliestRetry {
		t.Errorf("attempt 2 came %v after the event was sent, want at least %v", wait, earliestRetry)
	}
	if second.ID() != first.ID() || second.Body != first.Body {
		t.Errorf("attempt 2 is %s %q, want the event of attempt 1: %s %q", second.ID(), second.Body, first.ID(), first.Body)
	}
	if second.Header.Get("Webhook-Timestamp") <= first.Header.Get("Webhook-Timestamp") ||
		second.Header.Get("Webhook-Signature") == first.Header.Get("Webhook-Signature") {
		t.Errorf("attempt 2 does not have its own timestamp: %v", second.Header)
	}
	logs := c.waitForLogs(made.ID, 2)
	if logs[0].Outcome != "delivered" || logs[0].Attempt != 2 || logs[0].StatusCode != 200 || logs[0].NextAttemptAt != "" || logs[0].EventID != "evt-1" {
		t.Errorf("log of attempt 2 = %+v, want it delivered", logs[0])
	}
	if logs[1] != log {
		t.Errorf("log of attempt 1 = %+v, want it unchanged: %+v", logs[1], log)
	}
	r.gotNothing(t)
}

// TestRetryAfterLengthensTheWait: Retry-After may lengthen the wait of the schedule,
// but never shortens it.
func TestRetryAfterLengthensTheWait(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, retryAfter string
		status           int
		earliest         time.Duration
	}{
		{"later", "8", http.StatusServiceUnavailable, 8 * time.Second},
		{"sooner", "1", http.StatusTooManyRequests, earliestRetry},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, answer := setup(t), statuses(test.status, http.StatusOK)
			r := newReceiver(t, func(w http.ResponseWriter, request *http.Request) {
				w.Header().Set("Retry-After", test.retryAfter)
				answer(w, request)
			})
			c.webhook(r.URL, "environment.created")
			sent := time.Now()
			publish(t, c.event("evt-1", `{}`))
			r.next(t)
			if wait := r.next(t).At.Sub(sent); wait < test.earliest {
				t.Errorf("attempt 2 came %v after the event was sent, want at least %v", wait, test.earliest)
			}
		})
	}
}

func TestReceiverThatWasDownGetsItsDelivery(t *testing.T) {
	t.Parallel()
	c, r := setup(t), unstarted()
	start := down(t, r)
	made := c.webhook(r.URL, "environment.created")
	publish(t, c.event("evt-1", `{}`))

	log := c.waitForLogs(made.ID, 1)[0]
	if log.Outcome != "retrying" || log.StatusCode != 0 || log.Error != "无法连接到接收方" || log.NextAttemptAt == "" {
		t.Errorf("log = %+v, want outcome retrying without a status", log)
	}
	start()
	r.next(t).verify(t, made.Secret)
	if log := c.waitForLogs(made.ID, 2)[0]; log.Outcome != "delivered" || log.Attempt != 2 {
		t.Errorf("log = %+v, want attempt 2 delivered", log)
	}
}

func TestRedirectIsNeverFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			c, target := setup(t), newReceiver(t, ok)
			r := newReceiver(t, func(w http.ResponseWriter, request *http.Request) {
				http.Redirect(w, request, target.URL, status)
			})
			made := c.webhook(r.URL, "environment.created")
			publish(t, c.event("evt-1", `{}`))

			r.next(t)
			if log := c.waitForLogs(made.ID, 1)[0]; log.Outcome != "retrying" || log.StatusCode != status {
				t.Errorf("log = %+v, want outcome retrying with status %d", log, status)
			}
			target.gotNothing(t)
			c.call("DELETE", path(made.ID), "") // otherwise it gets requests for three days
		})
	}
}

// TestGoneDisables: with 410 Gone a receiver says that it wants no more events.
func TestGoneDisables(t *testing.T) {
	t.Parallel()
	c, r := setup(t), newReceiver(t, statuses(http.StatusGone))
	made := c.webhook(r.URL, "environment.created")
	publish(t, c.event("evt-1", `{}`))

	r.next(t)
	if log := c.waitForLogs(made.ID, 1)[0]; log.Outcome != "failed" || log.StatusCode != 410 || log.NextAttemptAt != "" {
		t.Errorf("log = %+v, want outcome failed with status 410", log)
	}
	if got := c.call("GET", path(made.ID), ""); !strings.Contains(got.Body, `"enabled":false`) {
		t.Errorf("the webhook is %s, want it disabled", got.Body)
	}

	// Once another webhook has got the next event, this one would have got it too.
	other := newReceiver(t, ok)
	beside := c.webhook(other.URL, "environment.created")
	publish(t, c.event("evt-2", `{}`))
	other.next(t)
	c.waitForLogs(beside.ID, 1)
	r.gotNothing(t)
	if page := c.logs(made.ID, ""); page.Pagination.Total != 1 {
		t.Errorf("logs = %+v, want only the first", page.Items)
	}
}
