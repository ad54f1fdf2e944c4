package dispatch_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"webhooks/shared/attemptlog"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/delivery/dispatch"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
)

// fleet is several instances of the dispatcher with one webhook and one clock, which
// the test sets.
type fleet struct {
	instances []*dispatch.Dispatcher
	health    *healthStub
	mu        sync.Mutex
	now       time.Time
	status    int
	requests  []time.Time
	logs      []attemptlog.Log
	rows      []delivery.Delivery
	queued    []delivery.Delivery // by handleOnce
}

// shared returns the webhook with its current health.
type shared struct{ *fleet }

func (s shared) GetMany(_ context.Context, keys []webhook.Key, _ time.Time) (map[webhook.Key]webhook.Webhook, map[webhook.Key]error) {
	w := webhooktest.Webhook(tenant, func(w *webhook.Webhook) { w.ID, w.Revision, w.Health = 1, 1, s.health.read() })
	return map[webhook.Key]webhook.Webhook{keys[0]: w}, nil
}

func (shared) Disable(context.Context, webhook.Key, int64, time.Time) (bool, error) { return true, nil }

func newFleet(t testing.TB, n int) *fleet {
	t.Helper()
	f := &fleet{health: new(healthStub), now: start, status: 500}
	for range n {
		d := stubbed(t, attempt.Result{})
		d.Webhooks, d.Health = shared{f}, f.health
		d.Now = func() time.Time { f.mu.Lock(); defer f.mu.Unlock(); return f.now }
		d.Sender = senderFunc(func(context.Context, attempt.Request) attempt.Result {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.requests = append(f.requests, f.now)
			return attempt.Result{StatusCode: f.status}
		})
		d.Logs = logsFunc(func(_ context.Context, logs []attemptlog.Log) ([]attemptlog.Log, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.logs = append(f.logs, logs...)
			return nil, nil
		})
		d.Retries = retriesFunc(func(_ context.Context, list []delivery.Delivery) []error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.rows = append(f.rows, list...)
			return allOf(len(list), nil)
		})
		f.instances = append(f.instances, d)
	}
	return f
}

// event returns the first attempt of event n, due now.
func (f *fleet) event(n int) delivery.Delivery {
	d := one(n)
	d.Due = f.now
	return d
}

// handle gives each instance its own deliveries, all at the same time. Each delivery
// comes twice in a batch.
func (f *fleet) handle(t testing.TB, batches ...[]delivery.Delivery) {
	t.Helper()
	var group sync.WaitGroup
	for i, list := range batches {
		group.Go(func() {
			for _, d := range list {
				response, err := f.instances[i].Handle(context.Background(), batch(message(d.Encode()), message(d.Encode())))
				if err != nil || len(response.BatchItemFailures) > 0 {
					t.Errorf("Handle = %v, %v", response, err)
				}
			}
		})
	}
	group.Wait()
}

// open opens the breaker through a receiver that fails for more than ten minutes.
func (f *fleet) open(t testing.TB) {
	t.Helper()
	for n := range 11 {
		f.handle(t, []delivery.Delivery{f.event(n)})
		f.now = f.now.Add(time.Minute)
	}
	if !f.health.read().Open() {
		t.Fatalf("the breaker is closed after 11 minutes: %+v", f.health.read())
	}
	f.requests, f.logs, f.rows = nil, nil, nil
}

func TestTheBreakerOpensAfterTwentyFailuresInTenMinutes(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	for n := range 100 {
		f.handle(t, []delivery.Delivery{f.event(n)}) // two failures
		f.now = f.now.Add(5 * time.Second)
	}
	if f.health.read().Open() {
		t.Fatalf("the breaker is open after %v", f.now.Sub(start))
	}
	f.now = start.Add(10 * time.Minute)
	f.handle(t, []delivery.Delivery{f.event(100)})
	if h := f.health.read(); !h.OpenSince.Equal(f.now) || !h.OpenUntil.Equal(f.now.Add(time.Minute)) {
		t.Errorf("after ten minutes: %+v", h)
	}
}

func TestAHeldDelivery(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	f.open(t)
	f.health.health.OpenUntil = f.now.Add(time.Minute)
	d := f.event(1000)
	d.Attempt = 2
	want := schedule(t).Hold(d, f.now)
	want.Body = d.Body
	f.handle(t, []delivery.Delivery{d})
	if diff := cmp.Diff([]delivery.Delivery{want, want}, f.rows); diff != "" || len(f.requests) != 0 {
		t.Errorf("%d requests, rows (-want +got):\n%s", len(f.requests), diff)
	}
	log := attemptlog.Log{
		TenantID: tenant, WebhookID: 1, EventID: "evt_1000", EventType: d.Type, Trigger: attemptlog.Retry, Attempt: 2, Outcome: attemptlog.Retrying,
		Failure: string(attempt.FailureHeld), NextAttemptAt: want.Due, CreatedAt: f.now,
	}
	if diff := cmp.Diff([]attemptlog.Log{log, log}, f.logs); diff != "" {
		t.Errorf("logs (-want +got):\n%s", diff)
	}

	// The row is due and the breaker is still open: it is held again without a log.
	f.logs, f.rows, f.now = nil, nil, want.Due
	f.health.health.OpenUntil = f.now.Add(time.Minute)
	f.handle(t, []delivery.Delivery{want})
	if len(f.logs) != 0 || len(f.rows) != 2 || f.rows[0].Attempt != 2 || !f.rows[0].FirstDue().Equal(d.Due) {
		t.Errorf("held again: logs %v, rows %v", f.logs, f.rows)
	}
}

func TestAProbeClosesTheBreaker(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	f.open(t)
	f.now = f.health.read().OpenUntil
	f.handle(t, []delivery.Delivery{f.event(1), f.event(2)})
	if len(f.requests) != 1 || !f.health.read().Open() || len(f.rows) != 3 {
		t.Fatalf("%d requests, %d rows, %+v: want one probe and the breaker open", len(f.requests), len(f.rows), f.health.read())
	}
	f.now, f.status = f.health.read().OpenUntil, http.StatusOK
	f.handle(t, []delivery.Delivery{f.event(3), f.event(4)})
	if len(f.requests) != 1+1+2 || f.health.read() != (webhook.Health{}) {
		t.Errorf("%d requests, %+v: want the breaker closed and the next deliveries attempted", len(f.requests), f.health.read())
	}
}

// A customer who resends a delivery has repaired the receiver and wants to see the
// result.
func TestAResentDeliveryIsNotHeld(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	f.open(t)
	f.health.health.OpenUntil = f.now.Add(time.Minute)
	f.status = http.StatusOK
	d := f.event(1)
	d.Single = true
	f.handle(t, []delivery.Delivery{d})
	if len(f.requests) != 2 || f.health.read() != (webhook.Health{}) {
		t.Errorf("%d requests, %+v, want two requests and a closed breaker", len(f.requests), f.health.read())
	}
}

func TestResultsThatDoNotChangeHealth(t *testing.T) {
	t.Parallel()
	for name, result := range map[string]attempt.Result{
		"gone":            {StatusCode: http.StatusGone},
		"refused address": {Failure: attempt.FailureRefused},
		"success":         {StatusCode: http.StatusNoContent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, health := stubbed(t, result), new(healthStub)
			d.Health = health
			if _, err := d.Handle(t.Context(), batch(message(one(1).Encode()))); err != nil || health.calls.get() != 0 {
				t.Errorf("%v, %d health updates, want none", err, health.calls.get())
			}
		})
	}
}

// An error in updating health repeats no attempt. A delivery that cannot claim a
// probe is held.
func TestErrorsInHealthRepeatNoAttempt(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	f.health.err = errors.New("throttled")
	f.handle(t, []delivery.Delivery{f.event(1)})
	if len(f.requests) != 2 || len(f.logs) != 2 {
		t.Fatalf("%d requests, %d logs, want two of each", len(f.requests), len(f.logs))
	}
	f.health.health = webhook.Health{Failures: 20, OpenSince: start, OpenUntil: start}
	f.handle(t, []delivery.Delivery{f.event(2)})
	if len(f.requests) != 2 || len(f.rows) != 2 {
		t.Errorf("a probe that cannot be claimed: %d requests, %d rows, want the delivery held", len(f.requests), len(f.rows))
	}
}

// For any sequence of deliveries to any number of instances, an open breaker allows
// one request per minute, and every other delivery becomes a row.
func TestAtMostOneProbeAMinute(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(rt, "instances")
		f := newFleet(t, n)
		f.open(t)
		handled := 0
		for range rapid.IntRange(1, 15).Draw(rt, "steps") {
			f.now = f.now.Add(time.Duration(rapid.IntRange(0, 90_000).Draw(rt, "pause")) * time.Millisecond)
			batches := make([][]delivery.Delivery, n)
			for i := range batches {
				for range rapid.IntRange(0, 3).Draw(rt, "deliveries") {
					handled += 2
					batches[i] = append(batches[i], f.event(handled))
				}
			}
			f.handle(t, batches...)
		}
		for i := 1; i < len(f.requests); i++ {
			if gap := f.requests[i].Sub(f.requests[i-1]); gap < time.Minute {
				rt.Fatalf("two probes within %v", gap)
			}
		}
		if got := len(f.requests) + len(f.rows); got != handled {
			rt.Fatalf("%d requests and %d rows for %d deliveries", len(f.requests), len(f.rows), handled)
		}
	})
}
