package e2e_test

import (
	"net/http"
	"testing"
	"time"
)

// quietFor is longer than the longest first wait of the schedule, with a margin for a
// busy machine.
const quietFor = 9 * time.Second

// failedOnce creates a webhook whose receiver responds with 500, and returns when its
// first attempt is logged.
func failedOnce(t *testing.T) (*tenant, *receiver, created) {
	t.Helper()
	c, r := setup(t), newReceiver(t, statuses(http.StatusInternalServerError))
	made := c.webhook(r.URL, "environment.created")
	publish(t, c.event("evt-1", `{"n":1}`))
	r.next(t)
	c.waitForLogs(made.ID, 1)
	return c, r, made
}

// staysQuiet fails the test if the receiver gets a request within quietFor.
func (r *receiver) staysQuiet(t testing.TB) {
	t.Helper()
	select {
	case got := <-r.requests:
		t.Errorf("the receiver got %s, want no more requests", got.ID())
	case <-time.After(quietFor):
	}
}

func TestNextAttemptGoesToTheNewURL(t *testing.T) {
	t.Parallel()
	c, old, made := failedOnce(t)
	moved := newReceiver(t, ok)
	c.update(made.ID, `{"url":"`+moved.URL+`","secret":"your-secret-key"}`)

	got := moved.next(t)
	got.verify(t, "your-secret-key")
	got.verify(t, made.Secret) // the old secret signs for one more day
	if log := c.waitForLogs(made.ID, 2)[0]; log.Outcome != "delivered" || log.Attempt != 2 {
		t.Errorf("log = %+v, want attempt 2 delivered", log)
	}
	old.gotNothing(t)
}

// TestNextAttemptOfADisabledWebhookIsSkipped also resends the skipped attempt.
func TestNextAttemptOfADisabledWebhookIsSkipped(t *testing.T) {
	t.Parallel()
	c, r, made := failedOnce(t)
	c.update(made.ID, `{"enabled":false}`)

	log := c.waitForLogs(made.ID, 2)[0]
	if log.Outcome != "skipped" || log.Attempt != 2 || log.StatusCode != 0 || log.NextAttemptAt != "" {
		t.Errorf("log = %+v, want attempt 2 skipped", log)
	}
	r.gotNothing(t)

	c.update(made.ID, `{"enabled":true}`)
	c.resend(made.ID, "2").is(t, http.StatusAccepted, `{"code": 0, "message": "已重新投递", "data": {"event_id": "evt-1", "attempt": 3}}`)
	if got := r.next(t); got.ID() != "evt-1" {
		t.Errorf("the receiver got %s, want the skipped event", got.ID())
	}
}

func TestDeletedWebhookGetsNothingMore(t *testing.T) {
	t.Parallel()
	c, r, made := failedOnce(t)
	c.call("DELETE", path(made.ID), "").is(t, http.StatusNoContent, "")

	r.staysQuiet(t)
	c.call("GET", path(made.ID, "/logs"), "").is(t, http.StatusNotFound, `{"code": 40401, "message": "Webhook 不存在"}`)
}
