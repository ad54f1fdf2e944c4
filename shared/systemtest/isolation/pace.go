package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"time"

	"webhooks/shared/aws/queue"
)

const (
	burstSize = 300 // events that are published at once
	paceLimit = 10  // the rate limit of their webhook
)

// pace measures a webhook before and after a burst of events to another one, whose rate limit spreads them, and how
// fast the burst arrives.
func (s *stack) pace(ctx context.Context, duration time.Duration) (string, figures, error) {
	calm, paced := newReceiver(healthy), newReceiver(healthy)
	defer calm.server.CloseClientConnections()
	defer paced.server.CloseClientConnections()
	remove, err := s.register(ctx, map[string]*receiver{goodType: calm})
	defer remove()
	if err != nil {
		return "", nil, err
	}
	path, err := s.registerOne(ctx, slowType, paced.server.URL)
	if err != nil {
		return "", nil, err
	}
	defer func() { _, _ = s.call(context.WithoutCancel(ctx), http.MethodDelete, path, nil) }() // as register does
	if _, err := s.call(ctx, http.MethodPut, path, map[string]any{"rate_limit": paceLimit}); err != nil {
		return "", nil, err
	}
	m := measured{receiver: calm}
	if err := m.measure(ctx, s, map[string]int{goodType: goodRate}, duration, func() error {
		return s.burst(ctx, slowType, burstSize)
	}); err != nil {
		return "", nil, err
	}
	paced.await(burstSize, patience)
	text, found := m.report()
	took, busiest := paced.spread()
	rate := perSecond(paced.count(), took)
	text += fmt.Sprintf("  %d of the %d events of the burst arrived, %.2f a second, at most %d in a second; the limit is %d\n",
		paced.count(), burstSize, rate, busiest, paceLimit)
	// The first seconds count only as the worst latency: the fan-out of the burst holds others up on the local cloud,
	// with a limit or without.
	return text, figures{
		"pace_off_by": math.Abs(rate/paceLimit - 1), "pace_lost": float64(burstSize - paced.count()), "pace_busiest_second": float64(busiest),
		"pace_p50_factor": found["p50_factor"], "pace_p95_factor": found["p95_factor"],
		"pace_worst_seconds": found["third_worst_seconds"], "pace_late_or_lost": found["late_or_lost"],
	}, nil
}

// burst publishes n events of a type at once.
func (s *stack) burst(ctx context.Context, eventType string, n int) error {
	var messages []queue.Message
	for range n {
		message, err := s.event(eventType)
		if err != nil {
			return err
		}
		messages = append(messages, message)
	}
	if err := errors.Join(s.events.Send(ctx, messages)...); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

// perSecond returns the rate of n arrivals, of which the last came a time after the first.
// It is a number also if nothing arrived, as JSON needs.
func perSecond(n int, took time.Duration) float64 {
	return float64(max(n-1, 0)) / max(took.Seconds(), 0.001)
}

// spread returns the time from the first arrival to the last, and the largest number of arrivals in any second.
func (r *receiver) spread() (took time.Duration, busiest int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	times := slices.SortedFunc(maps.Values(r.got), time.Time.Compare)
	if len(times) == 0 {
		return 0, 0
	}
	first := 0
	for last, at := range times {
		for !at.Before(times[first].Add(time.Second)) {
			first++
		}
		busiest = max(busiest, last-first+1)
	}
	return times[len(times)-1].Sub(times[0]), busiest
}
