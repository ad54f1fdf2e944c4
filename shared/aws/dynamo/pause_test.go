package dynamo

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestDelay(t *testing.T) {
	t.Parallel()
	for n, want := range []time.Duration{25, 50, 100, 200, 400, 800, 800, 800} {
		want *= time.Millisecond
		if got := delay(n, 1); got != want {
			t.Errorf("the longest delay before retry %d is %v, want %v", n, got, want)
		}
		if got := delay(n, 0.5); got != want/2 {
			t.Errorf("the middle delay before retry %d is %v, want %v", n, got, want/2)
		}
	}
	if got := delay(1<<40, 1); got != maxDelay {
		t.Errorf("the delay before retry 2^40 is %v, want %v", got, maxDelay)
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		for n := range 10 {
			if err := Backoff(t.Context(), n); err != nil {
				t.Fatal(err)
			}
		}
		if waited := time.Since(start); waited <= 0 || waited > 775*time.Millisecond+5*maxDelay {
			t.Errorf("ten pauses take %v", waited)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := Backoff(ctx, 9); !errors.Is(err, context.Canceled) {
			t.Errorf("Backoff = %v, want the error of the context", err)
		}
	})
}
