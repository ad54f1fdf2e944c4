package dispatch

import (
	"context"
	"sync"
	"time"

	"webhooks/shared/delivery/attempt"
	"webhooks/shared/webhook"
)

// maxTracked limits the webhooks that a [slowTracker] keeps. A webhook that is
// dropped needs one more slow attempt to be marked.
const maxTracked = 1000

// slowTracker counts consecutive slow attempts of each webhook, in one instance
// of the function. Slow attempts in other instances are known from two sources: the
// retry of a slow attempt says so, without a read, and markSlow records one in the
// webhook's health. A receiver that answers 200 after 10 s causes no retry, and at
// a low rate no instance may see two of its attempts. The zero value is empty.
type slowTracker struct {
	mu     sync.Mutex
	streak map[receiver]int
}

// receiver is one address of a webhook. What is known of it ends with the address.
type receiver struct {
	webhook webhook.Key
	address int64
}

func receiverOf(w webhook.Webhook) receiver { return receiver{w.Key(), w.Address} }

// add counts a slow attempt and reports whether it is at least the second in a
// row. before says that the delivery's own previous attempt was slow too.
func (s *slowTracker) add(r receiver, before bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.streak[r]
	if before {
		n = max(n, 1)
	}
	n = min(n+1, webhook.SlowInARow)
	if s.streak == nil {
		s.streak = make(map[receiver]int)
	}
	if _, known := s.streak[r]; !known && len(s.streak) >= maxTracked {
		for dropped := range s.streak {
			delete(s.streak, dropped)
			break
		}
	}
	s.streak[r] = n
	return n >= webhook.SlowInARow
}

// reset ends the streak of r.
func (s *slowTracker) reset(r receiver) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streak, r)
}

// watchSlow makes the request of s. It records a slow attempt while the attempt still
// runs: the receiver may take five times as long to answer, and meanwhile more of its
// deliveries would fill the normal lane.
func (d *Dispatcher) watchSlow(ctx context.Context, s *step, request attempt.Request) attempt.Result {
	recorded := make(chan struct{})
	timer := time.AfterFunc(webhook.SlowAfter, func() {
		defer close(recorded)
		d.recordSlow(ctx, s)
	})
	defer timer.Stop() // Send may panic
	answer := d.Sender.Send(ctx, request)
	switch {
	case !timer.Stop():
		<-recorded // recordSlow takes at most healthTimeout
	case answer.ResponseTime > webhook.SlowAfter:
		d.recordSlow(ctx, s)
	case answer.Failure != attempt.FailureInternal:
		d.slow.reset(receiverOf(s.webhook))
	}
	return answer
}

// recordSlow records a slow attempt. An error does not repeat the attempt.
func (d *Dispatcher) recordSlow(ctx context.Context, s *step) {
	_ = d.Protect(ctx, "recording a slow attempt", func() { d.countSlow(ctx, s) })
}

// countSlow counts the slow attempt of s, and marks its webhook at the second
// slow attempt in a row, or at two within [webhook.SlowWindow] in any instances.
// One slow attempt renews an existing mark: while nearly all deliveries of the
// webhook are held back, there may be no second attempt.
func (d *Dispatcher) countSlow(ctx context.Context, s *step) {
	inARow := d.slow.add(receiverOf(s.webhook), s.delivery.SlowAt == s.webhook.Address)
	now := d.Now()
	marked := s.webhook.Health.Slow(now)
	if now.Add(webhook.SlowRenewal).Before(s.webhook.Health.SlowUntil) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	changed, err := d.markSlow(ctx, s.webhook, now, marked || inARow)
	if err != nil {
		d.Log.WarnContext(ctx, "a slow webhook could not be marked",
			"tenant_id", s.webhook.TenantID, "webhook_id", s.webhook.ID, "error", err.Error())
		return
	}
	if changed {
		d.Log.InfoContext(ctx, "webhook is slow", "tenant_id", s.webhook.TenantID, "webhook_id", s.webhook.ID, "renewed", marked)
	}
}

// markSlow marks w if due, or if another instance has recorded a slow attempt at
// the same time: with many instances, no single one may see two.
func (d *Dispatcher) markSlow(ctx context.Context, w webhook.Webhook, now time.Time, due bool) (bool, error) {
	if !due {
		another, err := d.Health.RecordSlow(ctx, w, now)
		if err != nil || !another {
			return false, err
		}
	}
	return d.Health.MarkSlow(ctx, w, now)
}
