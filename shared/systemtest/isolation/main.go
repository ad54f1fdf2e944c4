// Command isolation measures on a local stack whether a slow and a failing receiver
// change the latency of a third receiver's deliveries. `make isolation` runs it with
// and without the slow lane. With the API key of another tenant in BUSY_API_KEY it
// measures whether that tenant changes the latency of the first tenant's deliveries and
// API calls. The file FIGURES gets the figures as JSON. With SIMULATE=1 it prints a simulation instead, which
// estimates the effect for more webhooks and other limits (.docs/delivery.md).
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
)

// The load of the measurement.
const (
	badRate    = 20               // events per second to each of the slow and the failing webhook
	goodRate   = 5                // events per second to the third webhook
	warmup     = 5 * time.Second  // for cold starts
	baseline   = 10 * time.Second // all three receivers answer at once
	grace      = 10 * time.Second // after the trouble begins; not part of the result
	patience   = 90 * time.Second // wait for the last deliveries
	maxFactor  = 2.0
	slowAnswer = 15 * time.Second
)

func main() {
	report, err := run(context.Background(), os.Getenv)
	fmt.Print(report)
	// make isolation shows this line below the report.
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

// run returns the report of a measurement, or the table of the simulation.
func run(ctx context.Context, getenv func(string) string) (string, error) {
	if getenv("SIMULATE") != "" {
		return table(), nil
	}
	seconds, err := strconv.Atoi(getenv("DURATION"))
	if err != nil || seconds < 20 {
		return "", fmt.Errorf("DURATION is %q, want at least 20 seconds", getenv("DURATION"))
	}
	s, err := open(getenv)
	if err != nil {
		return "", err
	}
	var text string
	var figures map[string]float64
	if key := getenv("BUSY_API_KEY"); key != "" {
		text, figures, err = s.neighbours(ctx, seconds, key)
	} else {
		text, figures, err = s.receivers(ctx, seconds)
	}
	if err != nil {
		return "", err
	}
	encoded, err := json.Marshal(figures)
	if err != nil {
		return "", err
	}
	return text, os.WriteFile(getenv("FIGURES"), encoded, 0o600)
}

// receivers measures a third receiver, first while all answer at once and then beside a
// slow and a failing one. It returns the report and the figures.
func (s *stack) receivers(ctx context.Context, seconds int) (string, map[string]float64, error) {
	var trouble atomic.Bool // until it is set, all receivers answer at once
	third := newReceiver(func() int { return 200 })
	failing := newReceiver(func() int {
		if trouble.Load() {
			return 500
		}
		return 200
	})
	slow := newReceiver(func() int {
		if trouble.Load() {
			time.Sleep(slowAnswer)
		}
		return 200
	})
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
	if err := s.publish(ctx, warmup, load); err != nil {
		return "", nil, err
	}
	begun := time.Now()
	if err := s.publish(ctx, baseline, load); err != nil {
		return "", nil, err
	}
	trouble.Store(true)
	loaded, sent := time.Now(), s.published[goodType]
	if err := s.publish(ctx, time.Duration(seconds)*time.Second, load); err != nil {
		return "", nil, err
	}
	ended := time.Now()
	third.await(s.published[goodType], patience)
	text, figures := report(third.latencies(begun, loaded), third.latencies(loaded, ended), s.published[goodType]-sent)
	return text, figures, nil
}
