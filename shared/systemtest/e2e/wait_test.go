package e2e_test

import (
	"context"
	"testing"
	"time"
)

const (
	// patience is how long a test waits for something that takes a few seconds on an
	// idle machine. Only a failing test waits that long.
	patience = 60 * time.Second
	// pollEvery is the time between two polls.
	pollEvery = 150 * time.Millisecond
)

// eventually polls missing until it returns "". The test fails if it does not, with
// what was missing last.
func eventually(t testing.TB, missing func() string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		what := missing()
		if what == "" {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("after %v: %s", patience, what)
		}
	}
}
