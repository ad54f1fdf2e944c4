package dispatch_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/webhook"
)

// isolated returns a dispatcher with both lanes and the breaker, on tables and queues
// of its own.
func isolated(t *testing.T) (b *bundle, slow *tap) {
	t.Helper()
	b = setup(t)
	slow = &tap{next: queue.New(sqs.NewFromConfig(cloudtest.Config(t)), cloudtest.Queue(t)), sent: make(chan queue.Message, 100)}
	b.dispatcher.Health, b.dispatcher.SlowQueue = b.webhooks, slow
	return b, slow
}

func TestASlowWebhookWithTheCloud(t *testing.T) {
	t.Parallel()
	b, slow := isolated(t)
	requests := new(atomicCount)
	receiver := httptest.NewServer(answer(http.StatusOK, requests))
	defer receiver.Close()
	w := b.create(t, receiver.URL)
	if marked, err := b.webhooks.MarkSlow(t.Context(), w, b.now); err != nil || !marked {
		t.Fatal(marked, err)
	}
	d := b.to(w, 1)
	b.settle(t, d)
	messages, decoded := slow.take(t)
	if len(messages) != 1 || requests.get() != 0 || len(b.written(t, w)) != 0 {
		t.Fatalf("%d forwarded, %d requests", len(messages), requests.get())
	}
	if diff := cmp.Diff([]delivery.Delivery{d}, decoded[0].Deliveries); diff != "" {
		t.Errorf("forwarded (-want +got):\n%s", diff)
	}
	if failed := b.handle(t, t.Context(), inSlowLane(message(messages[0].Body))); len(failed) != 0 || requests.get() != 1 {
		t.Errorf("in the slow lane: failed %v, %d requests", failed, requests.get())
	}

	b.now = b.now.Add(webhook.SlowFor) // the mark has expired
	b.settle(t, b.to(w, 2))
	if requests.get() != 2 || len(slow.sent) != 0 {
		t.Errorf("after the mark: %d requests, %d forwarded", requests.get(), len(slow.sent))
	}
}

func TestTheBreakerWithTheCloud(t *testing.T) {
	t.Parallel()
	b, _ := isolated(t)
	requests, status := new(atomicCount), http.StatusInternalServerError
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.add()
		w.WriteHeader(status)
	}))
	defer receiver.Close()
	w := b.create(t, receiver.URL)
	var first []delivery.Delivery
	for n := range webhook.OpenAfter {
		first = append(first, b.to(w, n))
	}
	b.settle(t, first...)
	b.now = b.now.Add(webhook.FailingFor)
	b.settle(t, b.to(w, 100))
	opened, err := b.webhooks.Get(t.Context(), w.Key())
	if err != nil || !opened.Health.OpenSince.Equal(b.now) || opened.Health.Failures != webhook.OpenAfter+1 {
		t.Fatalf("after 21 failures in ten minutes: %+v, %v", opened.Health, err)
	}

	made := requests.get()
	d := b.to(w, 101)
	b.settle(t, d)
	want := schedule(t).Hold(d, b.now)
	want.Body = nil
	if diff := cmp.Diff([]delivery.Delivery{want}, b.rows(t, want.Due)); diff != "" || requests.get() != made {
		t.Errorf("%d requests, rows (-want +got):\n%s", requests.get()-made, diff)
	}
	if l := b.written(t, w)[0]; l.Failure != string(attempt.FailureHeld) || l.Outcome != attemptlog.Retrying || !l.NextAttemptAt.Equal(want.Due) {
		t.Errorf("log = %+v", l)
	}

	b.now, status = b.now.Add(webhook.ProbeEvery), http.StatusOK
	b.settle(t, b.to(w, 102), b.to(w, 103)) // a probe and a held delivery
	closed, err := b.webhooks.Get(t.Context(), w.Key())
	if err != nil || closed.Health != (webhook.Health{}) || requests.get() != made+1 {
		t.Fatalf("after the probe: %+v, %v, %d requests", closed.Health, err, requests.get()-made)
	}
	b.now = want.Due
	held := want
	held.Body = d.Body // instead of the row of the events table
	b.settle(t, held)
	if l := b.written(t, w)[0]; l.Outcome != attemptlog.Delivered || l.EventID != d.Event.ID || l.Attempt != 1 || requests.get() != made+2 {
		t.Errorf("the held delivery: %+v, %d requests", l, requests.get()-made)
	}
}

// A successful test closes the breaker: held deliveries need not wait for a probe.
func TestATestClosesTheBreaker(t *testing.T) {
	t.Parallel()
	b, _ := isolated(t)
	receiver := httptest.NewServer(answer(http.StatusOK, new(atomicCount)))
	defer receiver.Close()
	w := b.create(t, receiver.URL)
	if _, err := b.webhooks.AddFailures(t.Context(), w, webhook.OpenAfter, b.now.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if opened, err := b.webhooks.OpenBreaker(t.Context(), w, b.now); err != nil || !opened {
		t.Fatal(opened, err)
	}
	open, err := b.webhooks.GetWithSecrets(t.Context(), w.Key(), b.now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.tester().Test(t.Context(), open, tested()); err != nil {
		t.Fatal(err)
	}
	closed, err := b.webhooks.Get(t.Context(), w.Key())
	if err != nil || closed.Health != (webhook.Health{}) {
		t.Errorf("after a test: %+v, %v", closed.Health, err)
	}
}
