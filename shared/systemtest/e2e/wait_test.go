package e2e_test

import (
	"context"
	"testing"
	"time"
)

const (
	// patience is how long a test waits for what takes a second or a few on a
	// machine with nothing else to do. Only a failing test waits so long.
	patience = 60 * time.Second
	// pollEvery is the pause between two looks at the API.
	pollEvery = 150 * time.Millisecond
)

// eventually waits until missing returns "". When it never does, the test fails
// and says what was missing to the end.
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
