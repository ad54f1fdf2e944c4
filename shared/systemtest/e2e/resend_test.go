package e2e_test

import (
	"net/http"
	"testing"
)

// resend requests one more attempt for the event of a log.
func (c *tenant) resend(id int64, log string) answer {
	c.t.Helper()
	return c.call("POST", path(id, "/logs/", log, "/resend"), "")
}

func TestResendDeliversTheSameEventAgain(t *testing.T) {
	t.Parallel()
	c, r := setup(t), newReceiver(t, ok)
	made := c.webhook(r.URL, "environment.created")
	publish(t, c.event("evt-1", exactData))
	first := r.next(t)
	c.waitForLogs(made.ID, 1)

	c.resend(made.ID, "1").is(t, http.StatusAccepted, `{"code": 0, "message": "已重新投递", "data": {"event_id": "evt-1", "attempt": 2}}`)
	second := r.next(t)
	second.verify(t, made.Secret)
	if second.ID() != first.ID() || second.Body != first.Body {
		t.Errorf("the receiver got %s %q, want the same event again: %s %q", second.ID(), second.Body, first.ID(), first.Body)
	}
	if log := c.waitForLogs(made.ID, 2)[0]; log.Outcome != "delivered" || log.Attempt != 2 || log.EventID != "evt-1" {
		t.Errorf("log = %+v, want attempt 2 delivered", log)
	}
}

// TestResendIsOneAttempt has a resend that fails. No retry follows.
func TestResendIsOneAttempt(t *testing.T) {
	t.Parallel()
	c, r := setup(t), newReceiver(t, statuses(http.StatusOK, http.StatusInternalServerError))
	made := c.webhook(r.URL, "environment.created")
	publish(t, c.event("evt-1", `{}`))
	r.next(t)
	c.waitForLogs(made.ID, 1)

	c.resend(made.ID, "1")
	r.next(t)
	if log := c.waitForLogs(made.ID, 2)[0]; log.Outcome != "failed" || log.StatusCode != 500 || log.NextAttemptAt != "" {
		t.Errorf("log = %+v, want outcome failed without a next attempt", log)
	}
	r.staysQuiet(t)
}

func TestResendIsRefused(t *testing.T) {
	t.Parallel()
	c, other, r := setup(t), setup(t), newReceiver(t, ok)
	made := c.webhook(r.URL, "environment.created")
	publish(t, c.event("evt-1", `{}`))
	r.next(t)
	c.waitForLogs(made.ID, 1)
	c.call("POST", path(made.ID, "/test"), "")
	r.next(t)

	for _, log := range []string{"0", "-1", "01", "x", "1.0"} {
		c.resend(made.ID, log).is(t, http.StatusBadRequest, `{"code": 40006, "message": "log_id 必须是正整数"}`)
	}
	c.resend(made.ID, "3").is(t, http.StatusNotFound, `{"code": 40403, "message": "日志不存在或已过期"}`)
	c.resend(made.ID, "2").is(t, http.StatusConflict, `{"code": 40905, "message": "该事件已过期或不可重新投递"}`) // the log of a test
	c.resend(made.ID+1, "1").is(t, http.StatusNotFound, `{"code": 40401, "message": "Webhook 不存在"}`)
	other.resend(made.ID, "1").is(t, http.StatusNotFound, `{"code": 40401, "message": "Webhook 不存在"}`)
	c.update(made.ID, `{"enabled":false}`)
	c.resend(made.ID, "1").is(t, http.StatusConflict, `{"code": 40904, "message": "Webhook 已停用，请先启用再重新投递"}`)
	r.gotNothing(t)
}
