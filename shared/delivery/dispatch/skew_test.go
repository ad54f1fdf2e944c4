package dispatch_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/webhook"
)

// skew is the largest error of a clock in these tests. AWS synchronises the clocks
// of its hosts to within milliseconds, so minutes are far more than real clocks
// differ.
const skew = 2 * time.Minute

// request is a request of an instance.
type request struct {
	instance int
	at       time.Time // the fleet's clock
	sent     time.Time // webhook-timestamp
}

// skewed returns a fleet whose instances' clocks differ from the fleet's clock by
// offsets, and the list of its requests.
func skewed(t testing.TB, offsets ...time.Duration) (*fleet, *[]request) {
	t.Helper()
	f, requests := newFleet(t, len(offsets)), new([]request)
	for i, d := range f.instances {
		d.Now = func() time.Time { f.mu.Lock(); defer f.mu.Unlock(); return f.now.Add(offsets[i]) }
		d.Sender = senderFunc(func(_ context.Context, r attempt.Request) attempt.Result {
			f.mu.Lock()
			defer f.mu.Unlock()
			*requests = append(*requests, request{i, f.now, r.Time})
			return attempt.Result{StatusCode: f.status}
		})
	}
	return f, requests
}

func TestCopiesOfSkewedInstancesShareOneRow(t *testing.T) {
	t.Parallel()
	f, requests := skewed(t, -skew, 0, skew)
	d := f.event(1)
	d.Attempt = 3 // followed by a wait of half an hour
	f.handle(t, []delivery.Delivery{d}, []delivery.Delivery{d}, []delivery.Delivery{d})
	if len(f.rows) != 6 {
		t.Fatalf("%d next attempts, want those of six copies", len(f.rows))
	}
	for _, row := range f.rows {
		if diff := cmp.Diff(f.rows[0], row); diff != "" {
			t.Errorf("two copies have different next attempts (-one +other):\n%s", diff)
		}
	}
	if len(*requests) == 0 {
		t.Fatal("no copy made a request")
	}
	for _, r := range *requests {
		if own := f.now.Add(skew * time.Duration(r.instance-1)); !r.sent.Equal(own) {
			t.Errorf("instance %d sent the timestamp %v, want that of its own clock, %v", r.instance, r.sent, own)
		}
	}
}

func TestASlowMarkHoldsForSkewedInstances(t *testing.T) {
	t.Parallel()
	for _, offset := range []time.Duration{-skew, skew} {
		synctest.Test(t, func(t *testing.T) {
			l := newLanes(t)
			marked := time.Now().Add(offset) // by another instance
			l.webhook.Health = webhook.Health{SlowSince: marked, SlowUntil: marked.Add(webhook.SlowFor)}
			if failed := l.handle(t, oneNow()); failed != 0 || l.requests.get() != 0 || len(l.slow) != 1 {
				t.Errorf("%v: %d failed, %d requests, %d forwarded, want only the forwarded message", offset, failed, l.requests.get(), len(l.slow))
			}
		})
	}
}

func TestTheBreakerOpensWithSkewedClocks(t *testing.T) {
	t.Parallel()
	for _, offsets := range [][]time.Duration{{-skew, skew}, {skew, -skew}} {
		f, _ := skewed(t, offsets...)
		for n := 0; !f.health.read().Open(); n++ {
			f.handle(t, []delivery.Delivery{f.event(2 * n)}, []delivery.Delivery{f.event(2*n + 1)})
			f.now = f.now.Add(30 * time.Second)
			if n > 60 {
				t.Fatalf("the breaker is closed after %v of failures", f.now.Sub(start))
			}
		}
		if after := f.now.Sub(start); after < webhook.FailingFor-2*skew || after > webhook.FailingFor+2*skew {
			t.Errorf("open after %v, want %v give or take the difference of the clocks", after, webhook.FailingFor)
		}
	}
}

// An open breaker allows each instance at most one request per minute, and every
// other delivery becomes a row.
func TestProbesOfSkewedInstances(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var offsets []time.Duration
		for range rapid.IntRange(2, 4).Draw(rt, "instances") {
			offsets = append(offsets, time.Duration(rapid.Int64Range(-int64(skew), int64(skew)).Draw(rt, "offset")))
		}
		f, requests := skewed(t, offsets...)
		f.health.health = webhook.Health{Failures: webhook.OpenAfter, FailingSince: start.Add(-time.Hour), OpenSince: start, OpenUntil: start.Add(webhook.ProbeEvery)}
		handled := 0
		for range rapid.IntRange(1, 15).Draw(rt, "steps") {
			f.now = f.now.Add(time.Duration(rapid.IntRange(0, 90_000).Draw(rt, "pause")) * time.Millisecond)
			batches := make([][]delivery.Delivery, len(offsets))
			for i := range batches {
				for range rapid.IntRange(0, 3).Draw(rt, "deliveries") {
					handled += 2
					batches[i] = append(batches[i], f.event(handled))
				}
			}
			f.handle(t, batches...)
		}
		last := make(map[int]time.Time)
		for _, r := range *requests {
			if before, again := last[r.instance]; again && r.at.Sub(before) < webhook.ProbeEvery {
				rt.Fatalf("instance %d made two probes within %v", r.instance, r.at.Sub(before))
			}
			last[r.instance] = r.at
		}
		if got := len(*requests) + len(f.rows); got != handled {
			rt.Fatalf("%d requests and %d rows for %d deliveries", len(*requests), len(f.rows), handled)
		}
	})
}
