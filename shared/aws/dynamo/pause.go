package dynamo

import (
	"context"
	"math/rand/v2"
	"time"
)

// Pause waits before try number n + 2 (n counts from 0), or returns the error
// of ctx when that ends first.
type Pause func(ctx context.Context, n int) error

const (
	firstDelay = 25 * time.Millisecond
	maxDelay   = 32 * firstDelay
)

// Backoff is the [Pause] of a function: a random part of a delay that doubles
// up to 800 ms ("full jitter"), so that those who met once, or were throttled
// together, do not come back together. Eight tries take about a second, and
// twelve three.
func Backoff(ctx context.Context, n int) error {
	timer := time.NewTimer(delay(n, rand.Float64())) // #nosec G404 -- jitter is no secret
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// delay returns the part random, from [0,1), of the n-th delay.
func delay(n int, random float64) time.Duration {
	limit := maxDelay
	if n < 5 { // firstDelay << 5 is maxDelay
		limit = firstDelay << n
	}
	return time.Duration(random * float64(limit))
}
