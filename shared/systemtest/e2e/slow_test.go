package e2e_test

import (
	"net/http"
	"sync"
	"testing"
	"time"
)

// TestSlowReceiverUsesTheSlowLane: two attempts that take more than three
// seconds send what follows through the slow lane, and the webhook says so.
func TestSlowReceiverUsesTheSlowLane(t *testing.T) {
	t.Parallel()
	c, answer := setup(t), make(chan struct{})
	release := sync.OnceFunc(func() { close(answer) })
	t.Cleanup(release)
	r := newReceiver(t, func(w http.ResponseWriter, request *http.Request) {
		select {
		case <-answer:
		case <-request.Context().Done(): // 15 s: a busy machine, and it is tried again
		}
		ok(w, request)
	})
	begun := time.Now().Truncate(time.Second)
	made := c.webhook(r.URL, "environment.created")
	publish(t, c.event("evt-1", `1`), c.event("evt-2", `2`))
	r.next(t)
	r.next(t)

	type shown struct {
		Health struct {
			State string    `json:"state"`
			Since time.Time `json:"since"`
		} `json:"health"`
	}
	eventually(t, func() string {
		health := dataOf[shown](t, c.call("GET", path(made.ID), ""), http.StatusOK).Health
		if health.State != "slow" || health.Since.Before(begun) {
			return "the webhook is not shown as slow"
		}
		return ""
	})
	publish(t, c.event("evt-3", `3`))
	for r.next(t).ID() != "evt-3" { // the others may have timed out and come again
	}
	release()
	c.waitForLogs(made.ID, 3)
}
