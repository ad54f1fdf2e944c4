package dispatch_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery"
)

// destinations is a queue and a retries table that keep what they accept. Each can
// be down.
type destinations struct {
	queueDown, tableDown bool
	messages             []queue.Message
	rows                 []delivery.Delivery
}

// install replaces the queue and the table of b.
func (a *destinations) install(b *bundle) {
	b.dispatcher.Queue = queueFunc(func(_ context.Context, messages []queue.Message) []error {
		if a.queueDown {
			return allOf(len(messages), errBroken)
		}
		a.messages = append(a.messages, messages...)
		return allOf(len(messages), nil)
	})
	b.dispatcher.Retries = retriesFunc(func(_ context.Context, rows []delivery.Delivery) []error {
		if a.tableDown {
			return allOf(len(rows), errBroken)
		}
		a.rows = append(a.rows, rows...)
		return allOf(len(rows), nil)
	})
}

// If the queue is down, the next attempt goes to the table and the attempt is not
// repeated.
func TestANextAttemptFallsBackToTheTable(t *testing.T) {
	t.Parallel()
	b, requests := setup(t), new(atomicCount)
	receiver := httptest.NewServer(answer(500, requests))
	defer receiver.Close()
	a := destinations{queueDown: true}
	a.install(b)
	begun := b.dispatcher.Now()
	late := b.to(b.create(t, receiver.URL), 1)
	late.Due = begun.Add(-time.Hour) // its next due time is in the past too
	if failed := b.handle(t, t.Context(), message(late.Encode())); len(failed) > 0 {
		t.Errorf("received again: %v", failed)
	}
	planned, _ := b.dispatcher.Schedule.Next(late)
	if len(a.rows) != 1 || a.rows[0].Attempt != 2 || a.rows[0].Due.Before(begun) || !a.rows[0].Planned.Equal(planned) {
		t.Errorf("rows %+v, want attempt 2, due now or later and planned for %v", a.rows, planned)
	}
}

// If the table is down, the next attempt waits in the queue, without a request, until
// the table accepts it.
func TestANextAttemptFallsBackToTheQueue(t *testing.T) {
	t.Parallel()
	b, requests := setup(t), new(atomicCount)
	receiver := httptest.NewServer(answer(500, requests))
	defer receiver.Close()
	a := destinations{tableDown: true}
	a.install(b)
	third := b.to(b.create(t, receiver.URL), 1)
	third.Attempt, third.Due = 3, b.dispatcher.Now()
	body := third.Encode()
	for round := 1; round <= 3; round++ {
		a.tableDown = round < 3
		if failed := b.handle(t, t.Context(), message(body)); len(failed) > 0 {
			t.Fatalf("round %d: received again: %v", round, failed)
		}
		if a.tableDown {
			last := a.messages[len(a.messages)-1]
			if body = last.Body; last.Delay != queue.MaxDelay {
				t.Errorf("round %d: delay %v", round, last.Delay)
			}
		}
	}
	if len(a.messages) != 2 || len(a.rows) != 1 || a.rows[0].Attempt != 4 || requests.get() != 1 {
		t.Errorf("%d messages, rows %+v, %d requests, want one request and attempt 4 in the table", len(a.messages), a.rows, requests.get())
	}
}
