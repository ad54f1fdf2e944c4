package dynamo

import (
	"context"
	"math/rand/v2"
	"time"
)

// Pause waits before retry n, which counts from 0. It returns the error of ctx
// if ctx ends first.
type Pause func(ctx context.Context, n int) error

const (
	firstDelay = 25 * time.Millisecond
	maxDelay   = 32 * firstDelay
)

// Backoff is the [Pause] of every function: exponential backoff with full jitter,
// from 25 ms to 800 ms
// (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). The
// jitter spreads out callers that were throttled together. On average eight tries
// take about a second, and twelve take three.
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

// delay returns the delay before retry n: its limit times random, in [0,1).
func delay(n int, random float64) time.Duration {
	limit := maxDelay
	if n < 5 { // firstDelay << 5 is maxDelay
		limit = firstDelay << n
	}
	return time.Duration(random * float64(limit))
}
