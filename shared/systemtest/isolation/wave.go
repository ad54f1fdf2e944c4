package main

import (
	"context"
	"fmt"
	"time"
)

// waveSize is the number of the webhooks that hang: as many as a tenant may have.
const waveSize = 1000

// wave measures a webhook before and after one event of another tenant, which goes to waveSize webhooks that were
// never called before and do not answer.
func (s *stack) wave(ctx context.Context, duration time.Duration, other *stack) (string, figures, error) {
	var begins trouble
	calm, hanging := newReceiver(healthy), newReceiver(begins.slow)
	defer calm.server.CloseClientConnections()
	defer hanging.server.CloseClientConnections()
	remove, err := s.register(ctx, map[string]*receiver{goodType: calm})
	defer remove()
	if err != nil {
		return "", nil, err
	}
	// They stay: the other tenant was made for this measurement, and the test cloud drops its data when it stops.
	for n := range waveSize {
		if _, err := other.registerOne(ctx, failingType, fmt.Sprintf("%s/%d", hanging.server.URL, n)); err != nil {
			return "", nil, err
		}
	}
	m := measured{receiver: calm}
	if err := m.measure(ctx, s, map[string]int{goodType: goodRate}, duration, func() error {
		begins.Store(true)
		return other.publish(ctx, 0, map[string]int{failingType: 1})
	}); err != nil {
		return "", nil, err
	}
	begins.Store(false) // those that were not called yet answer at once
	hanging.awaitPaths(waveSize, patience)
	text, found := m.report()
	text += fmt.Sprintf("  %d of the %d webhooks of the other tenant were called\n", hanging.paths(), waveSize)
	return text, figures{
		"wave_p50_factor": found["third_p50_factor"], "wave_p95_factor": found["third_p95_factor"],
		"wave_worst_seconds": found["third_worst_seconds"], "wave_late_or_lost": found["late_or_lost"],
		"wave_never_called": float64(waveSize - hanging.paths()),
	}, nil
}
