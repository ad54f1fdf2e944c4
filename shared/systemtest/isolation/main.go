// Command isolation measures whether a slow and a failing receiver change the
// latency of a third one's deliveries, on a local stack: make isolation runs it,
// with and without the slow lane. The package also holds the simulation that
// carries the measurement to more webhooks and other limits.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

// The load of the measurement.
const (
	badRate    = 20               // events a second to the slow and to the failing webhook, each
	goodRate   = 5                // events a second to the third
	warmup     = 5 * time.Second  // in which the functions start
	baseline   = 10 * time.Second // in which all three receivers answer at once
	grace      = 10 * time.Second // from the beginning of the trouble, in which the third may suffer
	patience   = 90 * time.Second // for the last deliveries
	maxFactor  = 2.0
	slowAnswer = 15 * time.Second
)

func main() {
	report, err := run(context.Background(), os.Getenv)
	fmt.Print(report)
	// The last line is the verdict: make isolation reads it.
	if err != nil {
		fmt.Println("error:", err)
	}
}

// run measures, and returns the report as far as it got.
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
	var trouble atomic.Bool // until then, everybody answers at once
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
		return "", err
	}
	// The same load from the beginning: what differs is how the receivers answer.
	load := map[string]int{goodType: goodRate, failingType: badRate, slowType: badRate}
	if err := s.publish(ctx, warmup, load); err != nil {
		return "", err
	}
	begun := time.Now()
	if err := s.publish(ctx, baseline, load); err != nil {
		return "", err
	}
	trouble.Store(true)
	loaded, sent := time.Now(), s.published[goodType]
	if err := s.publish(ctx, time.Duration(seconds)*time.Second, load); err != nil {
		return "", err
	}
	ended := time.Now()
	third.await(s.published[goodType], patience)
	return report(third.latencies(begun, loaded), third.latencies(loaded, ended), s.published[goodType]-sent), nil
}
