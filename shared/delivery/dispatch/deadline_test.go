package dispatch_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/event"
)

// ten returns the messages of ten deliveries.
func ten() []events.SQSMessage {
	var messages []events.SQSMessage
	for n := range 10 {
		messages = append(messages, message(one(n).Encode()))
	}
	return messages
}

// Append reserves the log ids of a webhook once, so attempts that end together share
// one Append.
func TestAttemptsThatEndTogetherShareWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := stubbed(t, attempt.Result{StatusCode: 500})
		d.Now = func() time.Time { return start }
		var appends, sends []int
		d.Logs = logsFunc(func(_ context.Context, logs []attemptlog.Log) ([]attemptlog.Log, error) {
			appends = append(appends, len(logs))
			return nil, nil
		})
		d.Queue = queueFunc(func(_ context.Context, messages []queue.Message) []error {
			sends = append(sends, len(messages))
			return allOf(len(messages), nil)
		})
		d.Sender = senderFunc(func(context.Context, attempt.Request) attempt.Result {
			time.Sleep(time.Second) // on the bubble's clock, so all end at the same time
			return attempt.Result{StatusCode: 500}
		})
		if _, err := d.Handle(t.Context(), batch(ten()...)); err != nil {
			t.Fatal(err)
		}
		if len(appends) != 1 || appends[0] != 10 || len(sends) != 1 || sends[0] != 10 {
			t.Errorf("appends of %v logs, sends of %v messages, want one of 10 each", appends, sends)
		}
	})
}

func TestNoAttemptStartsTooLate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		left    time.Duration
		reading time.Duration // how long reading the body takes
		starts  bool
	}{
		{name: "enough time", left: time.Minute, starts: true},
		{name: "just enough time", left: 18 * time.Second, starts: true},
		{name: "too little time", left: 17 * time.Second},
		{name: "enough time before the body is read", left: 20 * time.Second, reading: 5 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := stubbed(t, attempt.Result{})
				requests, logs := 0, 0 // no lock: there is one delivery
				d.Sender = senderFunc(func(context.Context, attempt.Request) attempt.Result {
					requests++
					return attempt.Result{StatusCode: 200}
				})
				d.Logs = logsFunc(func(_ context.Context, list []attemptlog.Log) ([]attemptlog.Log, error) {
					logs += len(list)
					return nil, nil
				})
				d.Events = eventsFunc(func() ([]byte, error) {
					time.Sleep(tt.reading)
					return body, nil
				})
				dl := one(1)
				dl.Body = nil
				ctx, cancel := context.WithTimeout(t.Context(), tt.left)
				defer cancel()
				response, err := d.Handle(ctx, batch(message(dl.Encode())))
				if err != nil || (requests == 1) != tt.starts || (len(response.BatchItemFailures) == 0) != tt.starts || logs != requests {
					t.Errorf("%d requests, %d logs, response %v, %v", requests, logs, response, err)
				}
			})
		})
	}
}

// eventsFunc returns the body of every event.
type eventsFunc func() ([]byte, error)

func (f eventsFunc) GetBody(context.Context, event.Key, event.Hash) ([]byte, error) { return f() }

// If the invocation times out, every message of the batch is received again and
// every attempt is repeated. So a table or a queue that hangs must not cause it.
func TestAHangingDependencyDoesNotCauseATimeout(t *testing.T) {
	t.Parallel()
	hang := func(ctx context.Context) { <-ctx.Done() }
	tests := []struct {
		name       string
		attempt    int
		other      int  // if set, the attempt of every second delivery
		logs       bool // the logs table hangs
		retries    bool // the retries table hangs
		queue      bool // the queue hangs
		failures   int
		queuedLogs int
	}{
		{name: "logs", attempt: 1, logs: true, queuedLogs: 10},
		{name: "retries", attempt: 4, retries: true},
		{name: "logs and retries", attempt: 4, logs: true, retries: true, queuedLogs: 10},
		{name: "queue", attempt: 1, queue: true},
		{name: "queue, with next attempts for the table", attempt: 1, other: 4, queue: true},
		{name: "queue and retries", attempt: 1, queue: true, retries: true, failures: 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := stubbed(t, attempt.Result{StatusCode: 500})
				queuedLogs := 0
				if tt.logs {
					d.Logs = logsFunc(func(ctx context.Context, logs []attemptlog.Log) ([]attemptlog.Log, error) {
						hang(ctx)
						return logs, ctx.Err()
					})
				}
				d.Retries = retriesFunc(func(ctx context.Context, list []delivery.Delivery) []error {
					if tt.retries {
						hang(ctx)
					}
					return allOf(len(list), ctx.Err())
				})
				d.Queue = queueFunc(func(ctx context.Context, messages []queue.Message) []error {
					if tt.queue {
						hang(ctx)
					}
					for _, m := range messages {
						if content, err := delivery.Decode([]byte(m.Body)); err == nil && content.Logs != nil {
							queuedLogs += len(content.Logs.Logs)
						}
					}
					return allOf(len(messages), ctx.Err())
				})
				var messages []events.SQSMessage
				for n := range 10 {
					dl := one(n)
					dl.Attempt, dl.Due = tt.attempt, time.Now()
					if n%2 == 1 && tt.other > 0 {
						dl.Attempt = tt.other
					}
					messages = append(messages, message(dl.Encode()))
				}
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				response, err := d.Handle(ctx, batch(messages...))
				if err != nil || ctx.Err() != nil {
					t.Fatalf("Handle used up the time of its invocation: %v, %v", err, ctx.Err())
				}
				if got := len(response.BatchItemFailures); got != tt.failures || queuedLogs != tt.queuedLogs {
					t.Errorf("%d failures and %d queued logs, want %d and %d", got, queuedLogs, tt.failures, tt.queuedLogs)
				}
			})
		})
	}
}

// An attempt that the end of the invocation interrupts is our own error: it is
// repeated and does not count as a failure of the receiver.
func TestAnInterruptedAttemptIsNotLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := stubbed(t, attempt.Result{})
		d.Sender = senderFunc(func(ctx context.Context, _ attempt.Request) attempt.Result {
			<-ctx.Done()
			return attempt.Result{Failure: attempt.FailureInternal, Err: ctx.Err()}
		})
		logs := 0
		d.Logs = logsFunc(func(_ context.Context, list []attemptlog.Log) ([]attemptlog.Log, error) {
			logs += len(list)
			return nil, nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		response, err := d.Handle(ctx, batch(message(one(1).Encode())))
		if err != nil || len(response.BatchItemFailures) != 1 || logs != 0 || ctx.Err() != nil {
			t.Errorf("response %v, %v, %d logs, context: %v", response, err, logs, ctx.Err())
		}
	})
}
