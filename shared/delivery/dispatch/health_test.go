package dispatch_test

import (
	"context"
	"sync"
	"time"

	"webhooks/shared/webhook"
)

// healthStub counts the updates of a webhook's health and applies them as webhookdb
// does.
type healthStub struct {
	calls, marks, probes atomicCount
	marked               func()
	err                  error

	mu     sync.Mutex
	health webhook.Health
	seen   time.Time
}

func (s *healthStub) read() webhook.Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.health
}

func (s *healthStub) change(change func(h *webhook.Health) bool) (bool, error) {
	s.calls.add()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return false, s.err
	}
	return change(&s.health), nil
}

func (s *healthStub) RecordSlow(_ context.Context, _ webhook.Webhook, now time.Time) (bool, error) {
	return s.change(func(*webhook.Health) bool {
		another := now.Sub(s.seen) < webhook.SlowWindow
		if !another {
			s.seen = now
		}
		return another
	})
}

func (s *healthStub) MarkSlow(_ context.Context, _ webhook.Webhook, now time.Time) (bool, error) {
	return s.change(func(h *webhook.Health) bool {
		s.marks.add()
		if s.marked != nil {
			s.marked()
		}
		h.SlowSince, h.SlowUntil = now, now.Add(webhook.SlowFor)
		return true
	})
}

func (s *healthStub) AddFailures(_ context.Context, _ webhook.Webhook, n int, now time.Time) (after webhook.Health, err error) {
	_, err = s.change(func(h *webhook.Health) bool {
		if h.Failures == 0 {
			h.FailingSince = now
		}
		h.Failures += n
		after = *h
		return true
	})
	return after, err
}

func (s *healthStub) OpenBreaker(_ context.Context, _ webhook.Webhook, now time.Time) (bool, error) {
	return s.change(func(h *webhook.Health) bool {
		if !h.Tripped(now) {
			return false
		}
		h.OpenSince, h.OpenUntil = now, now.Add(webhook.ProbeEvery)
		return true
	})
}

func (s *healthStub) ClaimProbe(_ context.Context, w webhook.Webhook, now time.Time) (bool, error) {
	return s.change(func(h *webhook.Health) bool {
		if !h.OpenUntil.Equal(w.Health.OpenUntil) {
			return false
		}
		s.probes.add()
		h.OpenUntil = now.Add(webhook.ProbeEvery)
		return true
	})
}

func (s *healthStub) Recover(context.Context, webhook.Webhook) error {
	_, err := s.change(func(h *webhook.Health) bool {
		h.Failures, h.FailingSince, h.OpenSince, h.OpenUntil = 0, time.Time{}, time.Time{}, time.Time{}
		return true
	})
	return err
}
