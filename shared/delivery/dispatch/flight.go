package dispatch

import "time"

const (
	// maxInFlight is the largest number of requests that an invocation has under way:
	// TestAHundredConcurrentAttemptsFitIntoTheFunction.
	maxInFlight = 100
	// maxShare is how many of them one tenant may use for first attempts of the normal
	// lane. With more, a thousand webhooks of one tenant that hang could fill all
	// invocations, and nobody would be left to take the messages of others.
	maxShare = maxInFlight / 2
	// maxShareWait is how long first attempts wait at most for the share of their tenant:
	// an invocation whose attempts wait for places takes no messages of others.
	maxShareWait = time.Second
)

// flight counts the requests that are under way, all and by tenant.
type flight struct {
	inFlight int
	tenants  map[string]*share
}

// share is what one tenant has under way.
type share struct {
	inFlight  int
	fullSince time.Time // when inFlight last reached maxShare
}

func newFlight() flight { return flight{tenants: make(map[string]*share)} }

func (c *flight) share(s *step) *share {
	tenant := s.delivery.Webhook.TenantID
	if c.tenants[tenant] == nil {
		c.tenants[tenant] = new(share)
	}
	return c.tenants[tenant]
}

// full reports whether s must wait because its tenant uses its share.
func (c *flight) full(s *step) bool {
	return s.message.lane == laneNormal && s.delivery.Attempt == 1 && c.share(s).inFlight >= maxShare
}

// take takes a place for s if there is one.
func (c *flight) take(s *step, now time.Time) bool {
	if c.inFlight >= maxInFlight || c.full(s) {
		return false
	}
	c.inFlight++
	own := c.share(s)
	if own.inFlight++; own.inFlight == maxShare {
		own.fullSince = now
	}
	return true
}

// release gives the place of s back.
func (c *flight) release(s *step) {
	c.inFlight--
	c.share(s).inFlight--
}

// leaves returns when s, which waits since a time, leaves for the slow lane: its tenant
// has used its share for as long as an invocation waits for attempts, so its receivers
// are not just busy, or s has waited long enough. It returns false if s does not wait for
// its tenant.
func (c *flight) leaves(s *step, since time.Time) (time.Time, bool) {
	return earliest(c.share(s).fullSince.Add(takeAfter), since.Add(maxShareWait)), c.full(s)
}
