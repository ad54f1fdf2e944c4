package dispatch_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/queue"
	"webhooks/shared/deadletter"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/event/eventdb"
	"webhooks/shared/webhook"
)

// Each delivery of a message goes its own way: the next attempt, the slow lane and the
// breaker concern one webhook.
func TestTheDeliveriesOfAMessageGoTheirOwnWays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, rows := newSeveral(t), []delivery.Delivery(nil)
		s.Retries = retriesFunc(func(_ context.Context, list []delivery.Delivery) []error {
			rows = append(rows, list...)
			return allOf(len(list), nil)
		})
		s.answers[2] = attempt.Result{StatusCode: 500}
		s.webhooks[3] = func(w *webhook.Webhook) { w.Health.SlowUntil = time.Now().Add(time.Minute) }
		s.webhooks[4] = func(w *webhook.Webhook) {
			w.Health = webhook.Health{Failures: 20, OpenSince: time.Now(), OpenUntil: time.Now().Add(time.Minute)}
		}
		s.webhooks[5] = func(w *webhook.Webhook) { w.Enabled = false }
		response, err := s.Handle(t.Context(), batch(s.message(nil, 1, 2, 3, 4, 5)))
		if err != nil || len(response.BatchItemFailures) != 0 {
			t.Fatal(response, err)
		}
		if diff := cmp.Diff([]int64{1, 2}, s.requested()); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
		if next := alone(t, s.normal); len(next) != 1 || next[2].Attempt != 2 {
			t.Errorf("in the queue: %+v, want the second attempt of webhook 2", next)
		}
		if forwarded := alone(t, s.slow); len(forwarded) != 1 || forwarded[3].Attempt != 1 || string(forwarded[3].Body) != string(body) {
			t.Errorf("in the slow queue: %+v, want the delivery to webhook 3", forwarded)
		}
		if len(rows) != 1 || rows[0].Webhook.ID != 4 || rows[0].Attempt != 1 {
			t.Errorf("rows %+v, want the held delivery to webhook 4", rows)
		}
	})
}

// What fails with our own error is queued alone. No neighbour is attempted twice for it,
// and no attempt that was made.
func TestAFailedDeliveryOfAMessageIsQueuedAlone(t *testing.T) {
	t.Parallel()
	type test struct {
		name     string
		change   func(*several)
		left     time.Duration // until the end of the invocation
		requests []int64
		alone    map[int64]int // attempt by webhook
		delayed  bool
	}
	tests := []test{
		{name: "its webhook is unreadable", change: func(s *several) { s.unreadable[2] = errBroken }, requests: []int64{1, 3}, alone: map[int64]int{2: 1}, delayed: true},
		{name: "its secret is unreadable", change: func(s *several) { s.webhooks[2] = func(w *webhook.Webhook) { w.Secret = "whsec_!" } }, requests: []int64{1, 3}, alone: map[int64]int{2: 1}, delayed: true},
		{name: "the end of the invocation interrupts it", change: func(s *several) {
			s.answers[2] = attempt.Result{Failure: attempt.FailureInternal, Err: errBroken}
		}, requests: []int64{1, 2, 3}, alone: map[int64]int{2: 1}, delayed: true},
		{name: "no time is left", left: 17 * time.Second, alone: map[int64]int{1: 1, 2: 1, 3: 1}},
		{name: "its next attempt is refused by table and queue", change: func(s *several) {
			s.answers[2] = attempt.Result{StatusCode: 503, RetryAfter: time.Hour}
			s.Retries = retriesFunc(refuse[delivery.Delivery])
			s.Queue = refuseFirst(s.Queue)
		}, requests: []int64{1, 2, 3}, alone: map[int64]int{2: 2}, delayed: true},
		{name: "the slow queue refuses it", change: func(s *several) {
			s.webhooks[2] = func(w *webhook.Webhook) { w.Health.SlowUntil = time.Now().Add(time.Minute) }
			s.refuse = errBroken
		}, requests: []int64{1, 3}, alone: map[int64]int{2: 1}, delayed: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSeveral(t)
				if tt.change != nil {
					tt.change(s)
				}
				if tt.left == 0 {
					tt.left = time.Minute
				}
				ctx, cancel := context.WithTimeout(t.Context(), tt.left)
				defer cancel()
				response, err := s.Handle(ctx, batch(s.message(nil, 1, 2, 3)))
				if err != nil || len(response.BatchItemFailures) != 0 {
					t.Fatal("the message is received again", response, err)
				}
				if diff := cmp.Diff(tt.requests, s.requested()); diff != "" {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
				got := make(map[int64]int)
				for id, d := range alone(t, s.normal) {
					got[id] = d.Attempt
				}
				if diff := cmp.Diff(tt.alone, got); diff != "" || (s.normal[0].Delay > 0) != tt.delayed || s.normal[0].Group != tenant {
					t.Errorf("queued %+v, attempts by webhook (-want +got):\n%s", s.normal, diff)
				}
			})
		})
	}
}

// What a receiver asks for with Retry-After holds on every way to its next attempt.
func TestADeliveryThatIsQueuedAloneIsNotAttemptedBeforeItIsDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const asked = 10 * time.Minute
		s := newSeveral(t)
		s.answers[2] = attempt.Result{StatusCode: 503, RetryAfter: asked}
		s.Retries = retriesFunc(refuse[delivery.Delivery])
		s.Queue = refuseFirst(s.Queue)
		response, err := s.Handle(t.Context(), batch(s.message(nil, 1, 2)))
		if err != nil || len(response.BatchItemFailures) != 0 || len(s.normal) != 1 {
			t.Fatal(response, err, s.normal)
		}
		if got := s.normal[0].Delay; got < asked || got > asked+time.Second || alone(t, s.normal)[2].Attempt != 2 {
			t.Errorf("queued %+v, want the second attempt after %v", s.normal, asked)
		}
	})
}

// An invocation may take more deliveries than there are places for. Error lines would
// take a gradual deployment back.
func TestAnAttemptThatComesTooLateIsNoErrorOfTheService(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSeveral(t)
		log := logOf(s.Dispatcher)
		ctx, cancel := context.WithTimeout(t.Context(), 17*time.Second)
		defer cancel()
		if _, err := s.Handle(ctx, batch(s.message(nil, 1, 2), s.message(nil, 3))); err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{
			`"level":"WARN","msg":"delivery failed and is queued again"`,
			`"level":"WARN","msg":"message failed and will be received again"`,
		} {
			if !log.contains(line) {
				t.Errorf("no line with %s", line)
			}
		}
		if log.contains(`"level":"ERROR"`) {
			t.Errorf("log: %s", log.text.String())
		}
	})
}

// Only if the queue refuses the delivery, too, its message is received again, once for
// all that failed.
func TestAMessageWhoseDeliveryCannotBeQueuedAloneIsReceivedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSeveral(t)
		s.unreadable[2], s.unreadable[3] = errBroken, errBroken
		s.Queue = queueFunc(refuse[queue.Message])
		s.Retries = retriesFunc(refuse[delivery.Delivery])
		response, err := s.Handle(t.Context(), batch(s.message(nil, 1, 2, 3), s.message(nil, 4, 5)))
		want := []events.SQSBatchItemFailure{{ItemIdentifier: "m-0"}}
		if diff := cmp.Diff(want, response.BatchItemFailures); diff != "" || err != nil {
			t.Errorf("received again (-want +got):\n%s%v", diff, err)
		}
	})
}

// The delivery waits in the retries table as one that a breaker holds back, at the same
// attempt. No log says that it is held.
func TestADeliveryThatTheQueueRefusesAloneWaitsInTheTable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSeveral(t)
		s.unreadable[2] = errBroken
		s.Queue = queueFunc(refuse[queue.Message])
		var rows []delivery.Delivery
		s.Retries = retriesFunc(func(_ context.Context, list []delivery.Delivery) []error {
			rows = append(rows, list...)
			return allOf(len(list), nil)
		})
		response, err := s.Handle(t.Context(), batch(s.message(nil, 1, 2, 3)))
		if err != nil || len(response.BatchItemFailures) != 0 || len(rows) != 1 {
			t.Fatalf("%v, %v, stored %v, want one row and the message settled", response, err, rows)
		}
		wait := time.Until(rows[0].Due)
		if d := rows[0]; d.Webhook.ID != 2 || d.Attempt != 1 || d.Held || wait < 15*time.Minute || wait > time.Hour {
			t.Errorf("stored %+v, due in %v", d, wait)
		}
	})
}

// A message with one delivery has no neighbour: it is received again itself.
func TestAFailedDeliveryOfItsOwnMessageIsNotQueued(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSeveral(t)
		s.unreadable[2] = errBroken
		response, err := s.Handle(t.Context(), batch(s.message(nil, 1), s.message(nil, 2)))
		if err != nil || len(response.BatchItemFailures) != 1 || len(s.normal) != 0 {
			t.Errorf("%v, %v, queued %v, want the message received again", response, err, s.normal)
		}
	})
}

// The body that a message refers to is read once. If it is missing, each delivery
// becomes a dead letter of its own, which can be redriven alone.
func TestTheBodyOfAMessageIsReadOnce(t *testing.T) {
	t.Parallel()
	for name, missing := range map[string]bool{"stored": false, "missing": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, reads := newSeveral(t), new(atomicCount)
				s.Events = eventsFunc(func() ([]byte, error) {
					if reads.add(); missing {
						return nil, eventdb.ErrNotFound
					}
					return body, nil
				})
				var letters []queue.Message
				s.DeadLetters = queueFunc(func(_ context.Context, messages []queue.Message) []error {
					letters = append(letters, messages...)
					return allOf(len(messages), nil)
				})
				s.webhooks[3] = func(w *webhook.Webhook) { w.Enabled = false }
				response, err := s.Handle(t.Context(), batch(s.message(func(d *delivery.Delivery) { d.Body = nil }, 1, 2, 3)))
				if err != nil || len(response.BatchItemFailures) != 0 || reads.get() != 1 {
					t.Fatalf("%v, %v, %d reads of the body, want one", response, err, reads.get())
				}
				want := map[int64]int{}
				if missing {
					want = map[int64]int{1: 1, 2: 1}
				}
				got := make(map[int64]int)
				for id, d := range alone(t, letters) {
					got[id] = d.Attempt
				}
				if diff := cmp.Diff(want, got); diff != "" || missing == (len(s.requested()) > 0) {
					t.Errorf("%d requests, dead letters (-want +got):\n%s", len(s.requested()), diff)
				}
				for _, l := range letters {
					if l.Attributes["reason"] != string(deadletter.BodyMissing) || l.Attributes["event_id"] != "evt_1" {
						t.Errorf("letter %+v", l)
					}
				}
			})
		})
	}
}

// A log of one delivery that cannot be written is queued alone.
func TestTheLogsOfAMessageAreWrittenTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, appends := newSeveral(t), []int(nil)
		s.Logs = logsFunc(func(_ context.Context, logs []attemptlog.Log) ([]attemptlog.Log, error) {
			appends = append(appends, len(logs))
			return logs[:1], errBroken
		})
		response, err := s.Handle(t.Context(), batch(s.message(nil, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)))
		if err != nil || len(response.BatchItemFailures) != 0 {
			t.Fatal(response, err)
		}
		if diff := cmp.Diff([]int{10}, appends); diff != "" || len(s.normal) != 1 {
			t.Errorf("%d queued, want the log that was not written; appends (-want +got):\n%s", len(s.normal), diff)
		}
	})
}
