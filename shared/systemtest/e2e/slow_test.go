package e2e_test

import (
	"net/http"
	"sync"
	"testing"
	"time"
)

// TestSlowReceiverUsesTheSlowLane: after two attempts of more than three seconds, GET
// shows the webhook as slow, and its deliveries use the slow lane.
func TestSlowReceiverUsesTheSlowLane(t *testing.T) {
	t.Parallel()
	c, answer := setup(t), make(chan struct{})
	release := sync.OnceFunc(func() { close(answer) })
	t.Cleanup(release)
	r := newReceiver(t, func(w http.ResponseWriter, request *http.Request) {
		select {
		case <-answer:
		case <-request.Context().Done(): // the attempt timed out on a busy machine and is retried
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
	for r.next(t).ID() != "evt-3" { // skips retries of the others
	}
	release()
	c.waitForLogs(made.ID, 3)
}
