package dispatch_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/aws/metric"
	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery"
	"webhooks/shared/testkit/metrictest"
	"webhooks/shared/webhook"
)

func TestABatchWritesOneLineOfMetrics(t *testing.T) {
	t.Parallel()
	b, log := setup(t), metrictest.New()
	b.dispatcher.Metrics = log.Writer
	var requests atomicCount
	good, bad := httptest.NewServer(answer(200, &requests)), httptest.NewServer(answer(500, &requests))
	defer good.Close()
	defer bad.Close()
	reached, failing := b.create(t, good.URL), b.create(t, bad.URL)
	off := b.create(t, good.URL, func(w *webhook.Webhook) { w.Enabled = false })

	second, last, resent := b.to(failing, 2), b.to(failing, 3), b.to(reached, 4)
	second.Attempt, last.Attempt, resent.Single = 2, 10, true
	first := b.to(reached, 1)
	first.Due = b.now.Add(-1500 * time.Millisecond)
	b.handle(t, t.Context(), message(first.Encode()), message(second.Encode()), message(last.Encode()), message(resent.Encode()),
		message(b.to(off, 5).Encode()), message("hello"))

	got, lines := log.Take(t)
	if n := len(got[metric.AttemptTime]); n != 4 || lines != 1 {
		t.Errorf("%d attempt times in %d lines, want 4 in one", n, lines)
	}
	delete(got, metric.AttemptTime)
	want := metrictest.Numbers{
		metric.Delivered: {2}, metric.Retried: {1}, metric.Failed: {1}, metric.Skipped: {1},
		metric.DeliveriesSetAside: {1}, metric.FirstAttemptDelay: {1500},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
}

// The alarm on failing attempts divides the failed ones by all: while every attempt fails,
// a metric without any point would leave the alarm without a value.
func TestResultsOfAttemptsAreWrittenTogether(t *testing.T) {
	t.Parallel()
	results := []metric.Metric{metric.Delivered, metric.Retried, metric.Failed}
	for status, want := range map[int]metric.Metric{200: metric.Delivered, 500: metric.Retried, 410: metric.Failed} {
		t.Run(string(want), func(t *testing.T) {
			t.Parallel()
			b, log := setup(t), metrictest.New()
			b.dispatcher.Metrics = log.Writer
			var requests atomicCount
			receiver := httptest.NewServer(answer(status, &requests))
			defer receiver.Close()
			b.handle(t, t.Context(), message(b.to(b.create(t, receiver.URL), 1).Encode()))
			got, _ := log.Take(t)
			for _, result := range results {
				count := int64(0)
				if result == want {
					count = 1
				}
				if diff := cmp.Diff([]int64{count}, got[result]); diff != "" {
					t.Errorf("%s after %d (-want +got):\n%s", result, status, diff)
				}
			}
		})
	}
}

// A queued log does not count: its attempt counted when it was made.
func TestAnAttemptCountsOnce(t *testing.T) {
	t.Parallel()
	b, log := setup(t), metrictest.New()
	b.dispatcher.Metrics = log.Writer
	var requests atomicCount
	receiver := httptest.NewServer(answer(200, &requests))
	defer receiver.Close()
	w := b.create(t, receiver.URL)
	b.faults.Fail("UpdateItem", errBroken)
	b.settle(t, b.to(w, 1))
	b.faults.Clear()
	if got, _ := log.Take(t); len(got[metric.Delivered]) != 1 {
		t.Errorf("numbers = %v, want the delivery", got)
	}
	queued, _ := b.queue.take(t)
	b.handle(t, t.Context(), message(queued[0].Body))
	if got, lines := log.Take(t); lines != 0 {
		t.Errorf("the queued log counts as an attempt: %v", got)
	}
}

// A held delivery does not count as an attempt. Otherwise one open breaker would
// dominate the share of failed attempts and the attempt times.
func TestAHeldDeliveryIsNotAnAttempt(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		probing bool
		change  func(*delivery.Delivery)
		failing bool // the retries table
		want    metrictest.Numbers
	}{
		{name: "held for the first time", want: metrictest.Numbers{metric.Held: {2}, metric.RetriesStored: {2}}},
		{name: "held again", change: func(d *delivery.Delivery) { d.Held = true }, want: metrictest.Numbers{metric.Held: {2}, metric.RetriesStored: {2}}},
		{name: "one held, one a probe", probing: true, want: metrictest.Numbers{metric.Held: {1}, metric.RetriesStored: {1}, metric.Delivered: {0}, metric.Retried: {1}, metric.Failed: {0}, metric.AttemptTime: {0}}},
		{name: "failed and received again", failing: true, want: metrictest.Numbers{}},
		{
			name: "held until the schedule is over", change: func(d *delivery.Delivery) { d.First, d.Held = d.Due.Add(-76*time.Hour), true },
			want: metrictest.Numbers{metric.Delivered: {0}, metric.Retried: {0}, metric.Failed: {2}, metric.AttemptTime: {0, 0}},
		},
		{
			name: "in the queue because the table failed", want: metrictest.Numbers{metric.RetriesStored: {2}},
			change: func(d *delivery.Delivery) { d.Attempt, d.Due, d.Held = 2, d.Due.Add(time.Hour), true },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, log := newFleet(t, 1), metrictest.New()
			f.open(t)
			if f.health.health.OpenUntil = f.now.Add(time.Minute); tt.probing {
				f.health.health.OpenUntil = f.now
			}
			d := f.instances[0]
			d.Metrics = log.Writer
			if tt.failing {
				d.Retries = retriesFunc(refuse[delivery.Delivery])
				d.Queue = queueFunc(refuse[queue.Message])
			}
			one, other := f.event(1000), f.event(1001)
			if tt.change != nil {
				tt.change(&one)
				tt.change(&other)
			}
			response, err := d.Handle(t.Context(), batch(inSlowLane(message(one.Encode())), inSlowLane(message(other.Encode()))))
			if err != nil || (len(response.BatchItemFailures) > 0) != tt.failing {
				t.Fatalf("Handle = %v, %v", response, err)
			}
			got, _ := log.Take(t)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("numbers (-want +got):\n%s", diff)
			}
		})
	}
}

// Only next attempts that the queue cannot delay become rows of the retries table.
func TestRowsOfTheRetriesTableCount(t *testing.T) {
	t.Parallel()
	b, log := setup(t), metrictest.New()
	b.dispatcher.Metrics = log.Writer
	var requests atomicCount
	receiver := httptest.NewServer(answer(500, &requests))
	defer receiver.Close()
	w := b.create(t, receiver.URL)
	near, far, farther := b.to(w, 1), b.to(w, 2), b.to(w, 3)
	near.Attempt, far.Attempt, farther.Attempt = 2, 3, 9 // followed by waits of 5 minutes, half an hour and a day
	b.handle(t, t.Context(), message(near.Encode()), message(far.Encode()), message(farther.Encode()))
	got, _ := log.Take(t)
	if rows := got[metric.RetriesStored]; len(rows) != 1 || rows[0] != 2 {
		t.Errorf("numbers = %v, want 2 rows", got)
	}
	delivered := b.to(w, 4)
	delivered.Attempt = 10
	b.handle(t, t.Context(), message(delivered.Encode()))
	if got, _ := log.Take(t); got[metric.RetriesStored] != nil {
		t.Errorf("numbers = %v, want no row after a last attempt", got)
	}
}
