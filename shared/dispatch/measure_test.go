package dispatch_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/metric"
	"webhooks/shared/metrictest"
	"webhooks/shared/webhook"
)

type numbers = map[metric.Metric][]int64

func TestABatchIsMeasuredInOneLine(t *testing.T) {
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
		t.Errorf("%d attempt times in %d lines, want those of 4 attempts in one", n, lines)
	}
	delete(got, metric.AttemptTime)
	want := numbers{
		metric.Delivered: {2}, metric.Retried: {1}, metric.Failed: {1}, metric.Skipped: {1},
		metric.DeliveriesSetAside: {1}, metric.FirstAttemptDelay: {1500},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
}

// TestAnAttemptIsMeasuredOnce: the log that goes through the queue is of an
// attempt that was measured when it was made.
func TestAnAttemptIsMeasuredOnce(t *testing.T) {
	t.Parallel()
	b, log := setup(t), metrictest.New()
	b.dispatcher.Metrics = log.Writer
	var requests atomicCount
	receiver := httptest.NewServer(answer(200, &requests))
	defer receiver.Close()
	w := b.create(t, receiver.URL)
	b.faults.of = on("UpdateItem", errBroken)
	b.settle(t, b.to(w, 1))
	b.faults.of = nil
	if got, _ := log.Take(t); len(got[metric.Delivered]) != 1 {
		t.Errorf("numbers = %v, want the delivery", got)
	}
	queued, _ := b.queue.take(t)
	b.handle(t, t.Context(), message(queued[0].Body))
	if got, lines := log.Take(t); lines != 0 {
		t.Errorf("the log was measured like an attempt: %v", got)
	}
}
