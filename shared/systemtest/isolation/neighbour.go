package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The load of the trouble "tenant": a busy tenant beside a quiet one.
const (
	quietRate = 20                     // events per second of the quiet tenant
	callEvery = 100 * time.Millisecond // between two API calls of the quiet tenant
	busyBatch = 5                      // events in one request of the busy tenant
	settling  = 5 * time.Second        // after the busy tenant begins; not part of the result
)

// busy is the tenant that publishes and lists as fast as it may. It waits after a 429
// for as long as the answer says.
type busy struct {
	*stack
	mu                        sync.Mutex
	published, refused, lists int
	err                       error
}

// calls collects the latencies of the quiet tenant's API calls.
type calls struct {
	mu   sync.Mutex
	list []sample // with the time after the start of the measurement
}

// neighbours measures a quiet tenant's deliveries and API calls, first alone and then beside a busy tenant.
func (s *stack) neighbours(ctx context.Context, duration time.Duration, busyTenant *stack) (string, figures, error) {
	calm := newReceiver(healthy)
	defer calm.server.CloseClientConnections()
	remove, err := s.register(ctx, map[string]*receiver{goodType: calm})
	defer remove()
	if err != nil {
		return "", nil, err
	}
	other := &busy{stack: busyTenant}
	noisy := newReceiver(healthy)
	defer noisy.server.CloseClientConnections()
	removeNoisy, err := other.register(ctx, map[string]*receiver{failingType: noisy})
	defer removeNoisy()
	if err != nil {
		return "", nil, err
	}
	var api calls
	begun := time.Now()
	if err := s.live(ctx, &api, begun, warmup); err != nil {
		return "", nil, err
	}
	alone := time.Now()
	if err := s.live(ctx, &api, begun, baseline); err != nil {
		return "", nil, err
	}
	joined, end := time.Now(), other.start(ctx)
	err = s.live(ctx, &api, begun, duration)
	ended := time.Now()
	if err := errors.Join(err, end()); err != nil {
		return "", nil, err
	}
	calm.await(len(s.published[goodType]), patience)
	before, _ := calm.latencies(s.published[goodType], alone, joined)
	beside, lost := calm.latencies(s.published[goodType], joined, ended)
	report, found := compareTenants(
		before, between(beside, settling, duration),
		between(api.samples(), alone.Sub(begun), joined.Sub(begun)), between(api.samples(), joined.Sub(begun)+settling, ended.Sub(begun)),
		lost, other)
	return report, found, nil
}

// live publishes and calls the API for a duration, as the quiet tenant does.
func (s *stack) live(ctx context.Context, api *calls, begun time.Time, duration time.Duration) error {
	done := make(chan error, 1)
	go func() { done <- api.run(ctx, s, begun, duration) }()
	err := s.publish(ctx, duration, map[string]int{goodType: quietRate})
	return errors.Join(err, <-done)
}

// run lists the webhooks every callEvery for a duration.
func (c *calls) run(ctx context.Context, s *stack, begun time.Time, duration time.Duration) error {
	ticker := time.NewTicker(callEvery)
	defer ticker.Stop()
	for started := time.Now(); time.Since(started) < duration; <-ticker.C {
		sent := time.Now()
		response, _, err := s.do(ctx, http.MethodGet, "/api/v1/webhooks", nil)
		if err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("the quiet tenant gets %s", response.Status)
		}
		c.mu.Lock()
		c.list = append(c.list, sample{sent.Sub(begun), time.Since(sent)})
		c.mu.Unlock()
	}
	return nil
}

// samples returns the latencies of the calls.
func (c *calls) samples() []sample {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.list)
}

// start begins the load of the busy tenant. The returned function ends it.
func (b *busy) start(ctx context.Context) func() error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for _, act := range []func(context.Context) error{b.publishSome, b.listOnce} {
		wg.Go(func() {
			for ctx.Err() == nil {
				if err := act(ctx); err != nil && ctx.Err() == nil {
					b.mu.Lock()
					b.err = errors.Join(b.err, err)
					b.mu.Unlock()
					return
				}
			}
		})
	}
	return func() error {
		cancel()
		wg.Wait()
		return b.err
	}
}

// publishSome publishes a list of events, or waits as a 429 asks.
func (b *busy) publishSome(ctx context.Context) error {
	var list []map[string]any
	for range busyBatch {
		list = append(list, map[string]any{"id": rand.Text(), "type": failingType, "data": 0})
	}
	response, body, err := b.do(ctx, http.MethodPost, "/api/v1/events", map[string]any{"events": list})
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch response.StatusCode {
	case http.StatusAccepted:
		b.published += busyBatch
		return nil
	case http.StatusTooManyRequests:
		b.refused++
	default:
		return fmt.Errorf("publish as the busy tenant: %s %s", response.Status, body)
	}
	wait, err := strconv.Atoi(response.Header.Get("Retry-After"))
	if err != nil {
		return fmt.Errorf("the 429 has no Retry-After: %s", body)
	}
	select {
	case <-time.After(time.Duration(wait) * time.Second):
	case <-ctx.Done():
	}
	return nil
}

// listOnce lists the webhooks.
func (b *busy) listOnce(ctx context.Context) error {
	response, body, err := b.do(ctx, http.MethodGet, "/api/v1/webhooks", nil)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("list as the busy tenant: %s %s", response.Status, body)
	}
	b.mu.Lock()
	b.lists++
	b.mu.Unlock()
	return nil
}

// compareTenants compares the quiet tenant's latencies alone and beside the busy one.
// lost counts its events that did not arrive.
func compareTenants(delivered, deliveredBeside, called, calledBeside []sample, lost int, b *busy) (string, figures) {
	var text strings.Builder
	head(&text, "the quiet tenant's")
	line(&text, "deliveries, alone", delivered)
	line(&text, "deliveries, beside", deliveredBeside)
	line(&text, "API calls, alone", called)
	line(&text, "API calls, beside", calledBeside)
	found := figures{
		"deliveries_p50_factor": factor(deliveredBeside, delivered, 0.5), "deliveries_p95_factor": factor(deliveredBeside, delivered, 0.95),
		"api_p50_factor": factor(calledBeside, called, 0.5), "api_p95_factor": factor(calledBeside, called, 0.95),
		"lost": float64(lost), "busy_published": float64(b.published), "busy_refused": float64(b.refused), "busy_lists": float64(b.lists),
	}
	fmt.Fprintf(&text, "  the busy tenant published %d, was refused %d times and listed %d times\n", b.published, b.refused, b.lists)
	fmt.Fprintf(&text, "  late or lost %d; deliveries p50 × %.2f, p95 × %.2f; API calls p50 × %.2f, p95 × %.2f\n", lost,
		found["deliveries_p50_factor"], found["deliveries_p95_factor"], found["api_p50_factor"], found["api_p95_factor"])
	return text.String(), found
}
