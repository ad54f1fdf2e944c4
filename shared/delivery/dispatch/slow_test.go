package dispatch_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/delivery/dispatch"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
)

const slowARN = "arn:aws:sqs:us-east-1:000000000000:slow"

// lanes is a dispatcher with two lanes and without a cloud, for a synctest bubble.
type lanes struct {
	*dispatch.Dispatcher
	health         *healthStub
	webhook        *webhook.Webhook
	normal, slow   []queue.Message // the messages sent
	requests       atomicCount
	takes          time.Duration // of each attempt
	status         int
	refuse         error // the error of the slow queue
	receivedInSlow bool
}

func newLanes(t *testing.T) *lanes {
	t.Helper()
	l := &lanes{Dispatcher: stubbed(t, attempt.Result{}), health: new(healthStub), status: 500}
	stub := &webhooksStub{webhook: webhooktest.Webhook(tenant, func(w *webhook.Webhook) { w.ID, w.Revision, w.Address = 1, 1, 1 })}
	l.webhook, l.Webhooks, l.Health = &stub.webhook, stub, l.health
	l.Queue = queueFunc(func(_ context.Context, messages []queue.Message) []error {
		l.normal = append(l.normal, messages...)
		return allOf(len(messages), nil)
	})
	l.SlowQueue = queueFunc(func(_ context.Context, messages []queue.Message) []error {
		if l.refuse == nil {
			l.slow = append(l.slow, messages...)
		}
		return allOf(len(messages), l.refuse)
	})
	l.Sender = senderFunc(func(context.Context, attempt.Request) attempt.Result {
		l.requests.add()
		time.Sleep(l.takes)
		return attempt.Result{StatusCode: l.status, ResponseTime: l.takes}
	})
	return l
}

// handle handles deliveries as one batch and returns how many failed.
func (l *lanes) handle(t *testing.T, deliveries ...delivery.Delivery) int {
	t.Helper()
	var messages []events.SQSMessage
	for _, d := range deliveries {
		m := message(d.Encode())
		if l.receivedInSlow {
			m.EventSourceARN = slowARN
		}
		messages = append(messages, m)
	}
	response, err := l.Handle(t.Context(), batch(messages...))
	if err != nil {
		t.Fatal(err)
	}
	return len(response.BatchItemFailures)
}

func oneNow() delivery.Delivery {
	d := one(1)
	d.Due = time.Now().Truncate(time.Millisecond).UTC()
	return d
}

func TestTheRetryOfASlowAttemptGoesToTheSlowLane(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		takes        time.Duration
		attempt      int
		normal, slow int
	}{
		{name: "fast", takes: 3 * time.Second, attempt: 1, normal: 1},
		{name: "slow", takes: 3*time.Second + 1, attempt: 1, slow: 1},
		{name: "slow, with the next attempt in the table", takes: 15 * time.Second, attempt: 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l, d := newLanes(t), oneNow()
				l.takes, d.Attempt = tt.takes, tt.attempt
				if failed := l.handle(t, d); failed != 0 || len(l.normal) != tt.normal || len(l.slow) != tt.slow {
					t.Fatalf("%d failed, %d in the normal lane and %d in the slow one", failed, len(l.normal), len(l.slow))
				}
				for _, m := range l.slow {
					content, err := delivery.Decode([]byte(m.Body))
					if err != nil {
						t.Fatal(err)
					}
					next, err := content.Only()
					if err != nil || next.SlowAt != 1 || next.Attempt != 2 || m.Group != tenant || m.Delay <= 0 {
						t.Errorf("the retry is %+v %+v, %v", m, next, err)
					}
				}
			})
		})
	}
}

func TestTheSecondSlowAttemptInARowMarksTheWebhook(t *testing.T) {
	t.Parallel()
	const slow, fast = 15 * time.Second, time.Second
	tests := []struct {
		name  string
		takes []time.Duration
		flag  int64 // the first delivery is the retry of a slow attempt at this address
		marks int
	}{
		{name: "one", takes: []time.Duration{slow}},
		{name: "two", takes: []time.Duration{slow, slow}, marks: 1},
		{name: "with a fast attempt between", takes: []time.Duration{slow, fast, slow, fast}},
		{name: "the retry of another instance's slow attempt", takes: []time.Duration{slow}, flag: 1, marks: 1},
		{name: "the retry of a slow attempt at another address", takes: []time.Duration{slow}, flag: 2},
		{name: "the retry is fast", takes: []time.Duration{fast}, flag: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLanes(t)
				l.status = 200 // no retries, so only the instance's own count matters
				for i, takes := range tt.takes {
					d := oneNow()
					if i == 0 {
						d.SlowAt = tt.flag
					}
					l.takes = takes
					l.handle(t, d)
				}
				if got := l.health.marks.get(); got != tt.marks {
					t.Errorf("%d marks, want %d", got, tt.marks)
				}
			})
		})
	}
}

// An attempt of 15 s is counted after 3 s, so that later deliveries do not wait for
// the same receiver.
func TestSlowAttemptsAreCountedWhileTheyRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, begun := newLanes(t), time.Now()
		l.takes = 15 * time.Second
		var after time.Duration
		l.health.marked = func() { after = time.Since(begun) }
		l.handle(t, oneNow(), oneNow(), oneNow())
		if after != webhook.SlowAfter || l.health.marks.get() == 0 {
			t.Errorf("marked after %v, %d times", after, l.health.marks.get())
		}
	})
}

// With many instances, no single one may see two slow attempts of a webhook.
func TestSlowAttemptsOfTwoInstancesCountTogether(t *testing.T) {
	t.Parallel()
	for apart, marks := range map[time.Duration]int{0: 1, 14 * time.Second: 1, 15 * time.Second: 0} {
		synctest.Test(t, func(t *testing.T) {
			one, other := newLanes(t), newLanes(t)
			other.Health, one.takes, other.takes = one.health, 15*time.Second, 15*time.Second
			var instances sync.WaitGroup
			instances.Go(func() { one.handle(t, oneNow()) })
			instances.Go(func() {
				time.Sleep(apart)
				other.handle(t, oneNow())
			})
			instances.Wait()
			if got := one.health.marks.get(); got != marks {
				t.Errorf("%v apart: %d marks, want %d", apart, got, marks)
			}
		})
	}
}

func TestASlowAttemptRenewsAMarkNearItsEnd(t *testing.T) {
	t.Parallel()
	for left, marks := range map[time.Duration]int{9 * time.Minute: 0, time.Minute: 1} {
		synctest.Test(t, func(t *testing.T) {
			l := newLanes(t)
			l.takes, l.receivedInSlow = 15*time.Second, true
			l.webhook.Health.SlowUntil = time.Now().Add(left)
			l.handle(t, oneNow())
			if l.health.marks.get() != marks {
				t.Errorf("%v before the end: %d marks, want %d", left, l.health.marks.get(), marks)
			}
		})
	}
}

func TestDeliveriesOfASlowWebhookAreForwarded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, d := newLanes(t), oneNow()
		l.webhook.Health = webhook.Health{SlowSince: time.Now(), SlowUntil: time.Now().Add(time.Minute)}
		if failed := l.handle(t, d, d); failed != 0 || l.requests.get() != 0 {
			t.Fatalf("%d failed, %d requests", failed, l.requests.get())
		}
		want := queue.Message{Body: d.Encode(), Group: tenant}
		if diff := cmp.Diff([]queue.Message{want, want}, l.slow); diff != "" || len(l.normal) != 0 {
			t.Errorf("forwarded (-want +got):\n%s", diff)
		}

		l.refuse = errors.New("throttled")
		if failed := l.handle(t, d, d); failed != 2 || l.requests.get() != 0 {
			t.Errorf("not forwarded: %d failed, %d requests; want 2 received again", failed, l.requests.get())
		}

		l.receivedInSlow = true
		if failed := l.handle(t, d); failed != 0 || l.requests.get() != 1 {
			t.Errorf("in the slow lane: %d failed, %d requests, want the attempt", failed, l.requests.get())
		}
	})
}

// A probe may take 15 s like any attempt, so the probe of a slow webhook is made in
// the slow lane. One delivery of a batch goes there and the others are held.
func TestTheProbeOfASlowWebhookGoesToTheSlowLane(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, stored := newLanes(t), 0
		now := time.Now()
		l.webhook.Health = webhook.Health{SlowUntil: now.Add(time.Minute), OpenSince: now.Add(-time.Hour), OpenUntil: now}
		l.health.health, l.Retries = l.webhook.Health, storing(&stored)
		l.handle(t, oneNow(), oneNow(), oneNow())
		if len(l.slow) != 1 || stored != 2 || l.requests.get() != 0 || l.health.probes.get() != 0 {
			t.Fatalf("%d forwarded, %d held, %d requests", len(l.slow), stored, l.requests.get())
		}
		l.receivedInSlow = true
		l.handle(t, oneNow(), oneNow(), oneNow())
		if stored != 4 || l.requests.get() != 1 || l.health.probes.get() != 1 {
			t.Errorf("in the slow lane: %d held, %d requests, %d claims", stored-2, l.requests.get(), l.health.probes.get())
		}
	})
}

func TestAHealthyWebhookCostsNoUpdate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(t)
		l.status, l.takes = 200, 2*time.Second
		for range 3 {
			if failed := l.handle(t, oneNow(), oneNow()); failed != 0 {
				t.Fatal("failed")
			}
		}
		if l.health.calls.get() != 0 || len(l.slow) != 0 || l.requests.get() != 6 {
			t.Errorf("%d health updates, %d forwarded, %d requests", l.health.calls.get(), len(l.slow), l.requests.get())
		}
	})
}
