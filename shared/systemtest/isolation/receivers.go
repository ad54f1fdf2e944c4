package main

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"
)

// trouble is whether receivers misbehave. Until it begins, all answer at once.
type trouble struct{ atomic.Bool }

// slow answers after slowAnswer while there is trouble.
func (t *trouble) slow() int {
	if t.Load() {
		time.Sleep(slowAnswer)
	}
	return http.StatusOK
}

// failing answers 500 while there is trouble.
func (t *trouble) failing() int {
	if t.Load() {
		return http.StatusInternalServerError
	}
	return http.StatusOK
}

func healthy() int { return http.StatusOK }

// receivers measures a third receiver, first while all answer at once and then beside a slow and a failing one.
func (s *stack) receivers(ctx context.Context, duration time.Duration) (string, figures, error) {
	var begins trouble
	third, failing, slow := newReceiver(healthy), newReceiver(begins.failing), newReceiver(begins.slow)
	for _, r := range []*receiver{third, failing, slow} {
		defer r.server.CloseClientConnections()
	}
	remove, err := s.register(ctx, map[string]*receiver{goodType: third, failingType: failing, slowType: slow})
	defer remove()
	if err != nil {
		return "", nil, err
	}
	// The load is the same from the start. Only the answers change.
	load := map[string]int{goodType: goodRate, failingType: badRate, slowType: badRate}
	m := measured{receiver: third}
	if err := m.measure(ctx, s, load, duration, func() error {
		begins.Store(true)
		return nil
	}); err != nil {
		return "", nil, err
	}
	text, found := m.report()
	return text, found, nil
}

// measured is a receiver whose latency is measured before and during a trouble.
type measured struct {
	*receiver
	before, under []sample
	lost          int // events of the time of trouble that did not arrive
}

// measure publishes a load, begins the trouble after a while, goes on for a duration, and waits for the last
// deliveries to the receiver.
func (m *measured) measure(ctx context.Context, s *stack, load map[string]int, duration time.Duration, begin func() error) error {
	if err := s.publish(ctx, warmup, load); err != nil {
		return err
	}
	begun := time.Now()
	if err := s.publish(ctx, baseline, load); err != nil {
		return err
	}
	troubled := time.Now()
	if err := begin(); err != nil {
		return err
	}
	if err := s.publish(ctx, duration, load); err != nil {
		return err
	}
	ended := time.Now()
	m.await(len(s.published[goodType]), patience)
	m.before, _ = m.latencies(s.published[goodType], begun, troubled)
	m.under, m.lost = m.latencies(s.published[goodType], troubled, ended)
	return nil
}
