package dispatch_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/metric"
	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/webhook"
)

// broken panics wherever it is called.
type broken struct{}

func (broken) Write([]byte) (int, error)                                       { panic("broken") }
func (broken) PutMany(context.Context, []delivery.Delivery, time.Time) []error { panic("broken") }
func (broken) Append(context.Context, []attemptlog.Chunk) ([]attemptlog.Chunk, error) {
	panic("broken")
}
func (broken) RecordSlow(context.Context, webhook.Webhook, time.Time) (bool, error) { panic("broken") }
func (broken) MarkSlow(context.Context, webhook.Webhook, time.Time) (bool, error) {
	panic("broken")
}
func (broken) AddFailures(context.Context, webhook.Webhook, int, time.Time) (webhook.Health, error) {
	panic("broken")
}
func (broken) OpenBreaker(context.Context, webhook.Webhook, time.Time) (bool, error) { panic("broken") }
func (broken) ClaimProbe(context.Context, webhook.Webhook, time.Time) (bool, error) {
	panic("broken")
}
func (broken) Recover(context.Context, webhook.Webhook) error { panic("broken") }

func brokenQueue(context.Context, []queue.Message) []error { panic("broken") }

// A panic that nobody recovers ends the process, and then every attempt of the batch
// is repeated. So only the messages that need the broken part may fail.
func TestAPanicRepeatsNoAttempt(t *testing.T) {
	t.Parallel()
	const slow = webhook.SlowAfter + time.Second
	tests := []struct {
		name   string
		change func(*lanes)
		takes  time.Duration
		failed int // messages that are received again
	}{
		{name: "in counting failures", change: func(l *lanes) { l.Health = broken{} }},
		{name: "in closing the breaker", change: func(l *lanes) {
			l.Health, l.status, l.webhook.Health.Failures = broken{}, 200, 1
		}},
		{name: "in counting a slow attempt in flight", change: func(l *lanes) { l.Health = broken{} }, takes: slow},
		{name: "in counting a slow attempt that ended", change: func(l *lanes) {
			l.Health = broken{}
			l.Sender = senderFunc(func(context.Context, attempt.Request) attempt.Result {
				l.requests.add()
				return attempt.Result{StatusCode: 500, ResponseTime: slow}
			})
		}},
		{name: "in writing logs", change: func(l *lanes) { l.Logs = broken{} }},
		{name: "in the queue", change: func(l *lanes) { l.Queue = queueFunc(brokenQueue) }},
		{name: "in the slow queue", change: func(l *lanes) { l.SlowQueue = queueFunc(brokenQueue) }, takes: slow},
		{name: "in queue and table", change: func(l *lanes) { l.Queue, l.Retries = queueFunc(brokenQueue), broken{} }, failed: 2},
		{name: "in the metrics", change: func(l *lanes) { l.Metrics = metric.New(broken{}, "n", time.Now) }},
		{name: "in disabling", change: func(l *lanes) {
			l.status = 410
			l.Webhooks.(*webhooksStub).disable = func(webhook.Key, int64) (bool, error) { panic("broken") }
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLanes(t)
				log := logOf(l.Dispatcher)
				l.takes = tt.takes
				tt.change(l)
				if failed := l.handle(t, oneNow(), oneNow()); failed != tt.failed || l.requests.get() != 2 {
					t.Errorf("%d failed, %d requests, want %d and 2", failed, l.requests.get(), tt.failed)
				}
				if !log.contains("panic") || !log.contains("panic_test.go") {
					t.Errorf("the log does not contain the panic and its stack: %s", log.text.String())
				}
			})
		})
	}
}

// If the retries table panics, the fallback keeps its rows. If the dead-letter queue
// panics, the message fails.
func TestAPanicOfTableOrDeadLetters(t *testing.T) {
	t.Parallel()
	l, third := newLanes(t), oneNow()
	third.Attempt, l.Retries = 3, broken{}
	if failed := l.handle(t, third); failed != 0 || len(l.normal) != 1 {
		t.Errorf("%d failed, %d in the queue, want the fourth attempt there", failed, len(l.normal))
	}
	l.DeadLetters = queueFunc(brokenQueue)
	response, err := l.Handle(t.Context(), batch(message("unreadable"), message(oneNow().Encode())))
	if err != nil || len(response.BatchItemFailures) != 1 || response.BatchItemFailures[0].ItemIdentifier != "m-0" {
		t.Errorf("Handle = %+v, %v, want only the dead letter to fail", response, err)
	}
}
