package e2e_test

import (
	"slices"
	"strconv"
	"testing"
	"time"
)

// TestAReceiverGetsItsDeliveriesAtItsPace compares each arrival with the earliest time
// that the limit permits. A slow machine makes arrivals late, which is permitted.
func TestAReceiverGetsItsDeliveriesAtItsPace(t *testing.T) {
	t.Parallel()
	const events, rate = 60, 20
	c, paced, other := setup(t), newReceiver(t, ok), newReceiver(t, ok)
	w := c.webhook(paced.URL, "environment.created")
	c.webhook(other.URL, "environment.created")
	c.update(w.ID, `{"rate_limit":`+strconv.Itoa(rate)+`}`)

	begun := time.Now()
	var published []string
	for i := range events {
		published = append(published, c.event("evt-"+strconv.Itoa(i), `1`))
	}
	publishAll(t, published)

	seen := make(map[string]bool)
	var arrivals []time.Duration
	for len(seen) < events {
		got := paced.next(t)
		got.verify(t, w.Secret)
		if !seen[got.ID()] {
			arrivals = append(arrivals, got.At.Sub(begun))
		}
		seen[got.ID()] = true
	}
	slices.Sort(arrivals)
	for i, at := range arrivals {
		if earliest := time.Duration(i) * time.Second / rate; at < earliest {
			t.Errorf("delivery %d of %d came after %v, want at least %v", i+1, events, at, earliest)
		}
	}
	for range events {
		other.next(t)
	}
	for _, log := range c.waitForLogs(w.ID, events) {
		if log.Outcome != "delivered" || log.Attempt != 1 {
			t.Errorf("log = %+v, want one of a first attempt: waiting writes none", log)
		}
	}
}
