package dispatch_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
)

var errBroken = errors.New("broken")

// A log that cannot be written is queued and written later, and its attempt is not
// repeated.
func TestALogThatCannotBeWrittenIsQueued(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		operation string
		id        int64 // in the queued log
		written   int64
	}{
		"no id is reserved": {operation: "UpdateItem", id: 0, written: 1},
		"the id is kept":    {operation: "BatchWriteItem", id: 1, written: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var requests atomicCount
			receiver := httptest.NewServer(answer(500, &requests))
			defer receiver.Close()
			w := b.create(t, receiver.URL)
			b.faults.Fail(tt.operation, errBroken)
			b.settle(t, b.to(w, 1))
			b.faults.Clear()

			messages, decoded := b.queue.take(t)
			place := slices.IndexFunc(decoded, func(m delivery.Message) bool { return m.Logs != nil })
			if len(messages) != 2 || place < 0 {
				t.Fatalf("queued %v, want the next attempt and the log", decoded)
			}
			queued := *decoded[place].Logs
			if queued.First != tt.id || len(queued.Logs) != 1 || queued.Logs[0].Outcome != attemptlog.Retrying || queued.Logs[0].StatusCode != 500 {
				t.Fatalf("queued logs = %+v, want one log with id %d", queued, tt.id)
			}
			if messages[place].Delay <= 0 || messages[place].Group != tenant {
				t.Errorf("queued log = %+v, want a delay for the table to recover, and the tenant's group", messages[place])
			}
			if failed := b.handle(t, t.Context(), message(messages[place].Body)); failed != nil {
				t.Fatalf("received again: %v", failed)
			}
			want := queued.Logs[0]
			want.ID = tt.written
			if diff := cmp.Diff([]attemptlog.Log{want}, b.written(t, w)); diff != "" {
				t.Errorf("logs (-want +got):\n%s", diff)
			}
			if again, _ := b.queue.take(t); requests.get() != 1 || len(again) != 0 {
				t.Errorf("%d requests, queued %v, want one request and nothing queued", requests.get(), again)
			}
		})
	}
}

func TestQueuedLogsKeepTheirIDs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.create(t, "https://receiver.example")
	l := attemptlog.Log{
		TenantID: tenant, WebhookID: w.ID, EventID: "evt_1", EventType: "environment.created", Trigger: attemptlog.Retry, Attempt: 2,
		Outcome: attemptlog.Delivered, StatusCode: 200, CreatedAt: start,
	}
	c := attemptlog.Chunks([]attemptlog.Log{l, l})[0].Numbered(7, 0)[0]
	body, err := delivery.EncodeLogs(c)
	if err != nil {
		t.Fatal(err)
	}
	var stored []attemptlog.Chunk
	b.dispatcher.Logs = chunksFunc(func(ctx context.Context, chunks []attemptlog.Chunk) ([]attemptlog.Chunk, error) {
		stored = append(stored, chunks...)
		return b.logs.Append(ctx, chunks)
	})
	// SQS may deliver any message again: here twice in a batch and once later.
	for _, messages := range []int{2, 1} {
		if failed := b.handle(t, t.Context(), slices.Repeat(batch(message(body)).Records, messages)...); failed != nil {
			t.Fatalf("received again: %v", failed)
		}
	}
	for _, got := range stored {
		if diff := cmp.Diff(c, got); diff != "" {
			t.Errorf("logs (-want +got):\n%s", diff)
		}
	}
}

// An error without unwritten logs is a loss of ids, and nothing goes round the queue.
func TestLostLogIDsAreReported(t *testing.T) {
	t.Parallel()
	b := setup(t)
	receiver := httptest.NewServer(answer(200, new(atomicCount)))
	defer receiver.Close()
	w := b.create(t, receiver.URL)
	b.dispatcher.Logs = chunksFunc(func(ctx context.Context, chunks []attemptlog.Chunk) ([]attemptlog.Chunk, error) {
		unwritten, err := b.logs.Append(ctx, chunks)
		return unwritten, errors.Join(err, errBroken)
	})
	b.settle(t, b.to(w, 1))
	if !b.log.contains("log ids had to be reserved again") || b.log.contains("are queued") {
		t.Error("the function's log does not say that ids are lost, or says that logs are queued")
	}
	if queued, _ := b.queue.take(t); len(queued) != 0 || len(b.written(t, w)) != 1 {
		t.Errorf("%d messages are queued and %d logs are written, want only one log", len(queued), len(b.written(t, w)))
	}
}

// Logs that were to be one chunk go round the queue as one message, whatever else is in
// the flush, and become one chunk.
func TestAFlushThatCannotBeWrittenIsQueuedByWebhook(t *testing.T) {
	t.Parallel()
	for operation, first := range map[string]int64{"UpdateItem": 0, "BatchWriteItem": 1} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			receiver := httptest.NewServer(answer(200, new(atomicCount)))
			defer receiver.Close()
			one, other := b.create(t, receiver.URL), b.create(t, receiver.URL)
			b.faults.Fail(operation, errBroken) // both webhooks are new, so UpdateItems reserve their ids
			b.settle(t, b.to(one, 1), b.to(other, 2), b.to(one, 3), b.to(one, 4), b.to(other, 5))
			b.faults.Clear()
			messages, decoded := b.queue.take(t)
			queued := make(map[int64]int)
			for _, m := range decoded {
				if m.Logs == nil || m.Logs.First != first {
					t.Fatalf("queued %+v, want logs from id %d on", m, first)
				}
				queued[m.Logs.Webhook.ID] = len(m.Logs.Logs)
			}
			if diff := cmp.Diff(map[int64]int{one.ID: 3, other.ID: 2}, queued); diff != "" || len(messages) != 2 {
				t.Fatalf("%d messages, logs by webhook (-want +got):\n%s", len(messages), diff)
			}
			if failed := b.handle(t, t.Context(), message(messages[0].Body), message(messages[1].Body)); failed != nil {
				t.Fatalf("received again: %v", failed)
			}
			if got := [2]int{len(b.written(t, one)), len(b.written(t, other))}; got != [2]int{3, 2} {
				t.Errorf("%v logs are written, want 3 and 2", got)
			}
		})
	}
}

func TestALostLogIsInTheFunctionsLog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var requests atomicCount
	receiver := httptest.NewServer(answer(200, &requests))
	defer receiver.Close()
	w := b.create(t, receiver.URL)
	b.faults.Fail("BatchWriteItem", errBroken)
	b.dispatcher.Queue = queueFunc(refuse[queue.Message])
	b.settle(t, b.to(w, 1))

	if !b.log.contains("the log of an attempt is lost") || !b.log.contains(`"event_id":"evt_1"`) || requests.get() != 1 {
		t.Errorf("%d requests, and the function's log is:\n%s", requests.get(), b.log.text.String())
	}
}

// A log that the queue does not accept is written once more, and lost only if the
// table still fails.
func TestALogThatTheQueueDoesNotAcceptIsWrittenAgain(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"UpdateItem", "BatchWriteItem"} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			receiver := httptest.NewServer(answer(200, new(atomicCount)))
			defer receiver.Close()
			w := b.create(t, receiver.URL)
			b.faults.Fail(operation, errBroken)
			b.dispatcher.Queue = queueFunc(func(_ context.Context, messages []queue.Message) []error {
				b.faults.Clear()
				return allOf(len(messages), errBroken)
			})
			b.settle(t, b.to(w, 1))
			if logs := b.written(t, w); len(logs) != 1 || logs[0].Outcome != attemptlog.Delivered || b.log.contains("is lost") {
				t.Errorf("logs = %+v, and the function's log is:\n%s", logs, b.log.text.String())
			}
		})
	}
}

func TestAQueuedLogThatCannotBeWrittenIsReceivedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body, err := delivery.EncodeLogs(attemptlog.Chunks([]attemptlog.Log{{
		TenantID: tenant, WebhookID: 1, EventID: "evt_1", Trigger: attemptlog.FirstAttempt, Attempt: 1, Outcome: attemptlog.Delivered, CreatedAt: start,
	}})[0])
	if err != nil {
		t.Fatal(err)
	}
	b.faults.Fail("UpdateItem", errBroken)
	b.dispatcher.Queue = queueFunc(refuse[queue.Message])
	if diff := cmp.Diff([]string{"m-0"}, b.handle(t, t.Context(), message(body))); diff != "" {
		t.Errorf("received again (-want +got):\n%s", diff)
	}
}

// Without its next attempt the delivery would be lost, so the message is received
// again.
func TestANextAttemptThatCannotBeStoredIsReceivedAgain(t *testing.T) {
	t.Parallel()
	for name, attempt := range map[string]int{"queue": 1, "table": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			receiver := httptest.NewServer(answer(500, new(atomicCount)))
			defer receiver.Close()
			w := b.create(t, receiver.URL)
			b.dispatcher.Queue = queueFunc(func(_ context.Context, messages []queue.Message) []error { return failing("evt_1", messages) })
			b.dispatcher.Retries = retriesFunc(func(_ context.Context, list []delivery.Delivery) []error {
				failures := allOf(len(list), nil)
				for i, d := range list {
					if d.Event.ID == "evt_1" {
						failures[i] = errBroken
					}
				}
				return failures
			})
			first, second := b.to(w, 1), b.to(w, 2)
			first.Attempt, second.Attempt = attempt, attempt
			failed := b.handle(t, t.Context(), message(first.Encode()), message(second.Encode()))
			if diff := cmp.Diff([]string{"m-0"}, failed); diff != "" {
				t.Errorf("received again (-want +got):\n%s", diff)
			}
			if logs := b.written(t, w); len(logs) != 2 {
				t.Errorf("%d logs, want those of two attempts", len(logs))
			}
		})
	}
}

// failing returns errors for the messages of an event.
func failing(eventID string, messages []queue.Message) []error {
	failures := allOf(len(messages), nil)
	for i, m := range messages {
		if content, err := delivery.Decode([]byte(m.Body)); err != nil || content.Subject().EventID == eventID {
			failures[i] = errBroken
		}
	}
	return failures
}

func TestLogComesBeforeNextAttempt(t *testing.T) {
	t.Parallel()
	var steps []string
	step := func(name string, n int) []error {
		steps = append(steps, name)
		return allOf(n, nil)
	}
	d := stubbed(t, attempt.Result{StatusCode: 500})
	d.Logs = logsFunc(func(_ context.Context, logs []attemptlog.Log) ([]attemptlog.Log, error) {
		step("log", len(logs))
		return nil, nil
	})
	d.Queue = queueFunc(func(_ context.Context, messages []queue.Message) []error { return step("queue", len(messages)) })
	d.Retries = retriesFunc(func(_ context.Context, list []delivery.Delivery) []error { return step("table", len(list)) })
	d.DeadLetters = queueFunc(func(_ context.Context, list []queue.Message) []error { return step("letter", len(list)) })
	d.Now = func() time.Time { return start }
	for _, attempt := range []int{1, 3} {
		dl := one(1)
		dl.Attempt = attempt
		if _, err := d.Handle(t.Context(), batch(message(dl.Encode()))); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, "settled")
	}
	if diff := cmp.Diff([]string{"log", "queue", "settled", "log", "table", "settled"}, steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}
