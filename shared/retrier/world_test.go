package retrier_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"webhooks/shared/attempt"
	"webhooks/shared/attemptlog"
	"webhooks/shared/delivery"
	"webhooks/shared/dispatch"
	"webhooks/shared/event"
	"webhooks/shared/queue"
	"webhooks/shared/retrier"
	"webhooks/shared/retrydb"
	"webhooks/shared/webhook"
	"webhooks/shared/webhooktest"
)

// visibility is how late a message comes again whose dispatcher died: six times
// the function's timeout.
const visibility = 6 * time.Minute

// attempts is how many a delivery of the world below has: two short waits, and
// then waits in the table.
const attempts = 6

// world is one delivery on its way through the real dispatcher and retrier, on
// a clock that jumps from one thing to the next.
type world struct {
	now        time.Time
	messages   []pending
	table      *memory
	dispatcher *dispatch.Dispatcher
	retrier    *retrier.Retrier
	retries    *retries
	made       [attempts + 1]int // requests by attempt
}

// pending is a message in the deliveries queue.
type pending struct {
	body string
	at   time.Time // visible from then on
}

func newWorld(t *testing.T) *world {
	schedule, err := delivery.ParseSchedule("5,300,1800,3600,3600")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{now: start, table: newMemory()}
	clock, log := func() time.Time { return w.now }, slog.New(slog.DiscardHandler)
	store := retrydb.New(w.table, "retries")
	// The first look back over a day would be most of the test's work.
	if err := store.Advance(t.Context(), retrydb.MinuteOf(w.now)); err != nil {
		t.Fatal(err)
	}
	w.retries = &retries{Retries: store}
	w.dispatcher = &dispatch.Dispatcher{
		Log: log, Webhooks: stubs{}, Events: stubs{}, Logs: stubs{}, Retries: store, Sender: stubs{}, Queue: deliveries{w},
		Schedule: schedule, AttemptTimeout: 15 * time.Second, MaxReceiveCount: 50, Now: clock,
	}
	w.retrier = &retrier.Retrier{Log: log, Retries: w.retries, Queue: deliveries{w}, Now: clock}
	first := waiting("evt_1", w.now)
	first.Attempt, first.Body = 1, []byte(`{}`)
	w.messages = []pending{{first.Encode(), w.now}}
	return w
}

// deliveries is the world's queue.
type deliveries struct{ *world }

func (d deliveries) Send(_ context.Context, messages []queue.Message) []error {
	for _, m := range messages {
		delay := (max(m.Delay, 0) + time.Second - 1).Truncate(time.Second)
		d.messages = append(d.messages, pending{m.Body, d.now.Add(delay)})
	}
	return make([]error, len(messages))
}

// stubs is a webhook whose receiver always answers 500, and tables that take
// everything.
type stubs struct{}

func (stubs) GetMany(_ context.Context, keys []webhook.Key) (map[webhook.Key]webhook.Webhook, map[webhook.Key]error, error) {
	return map[webhook.Key]webhook.Webhook{keys[0]: webhooktest.Webhook(keys[0].TenantID)}, nil, nil
}
func (stubs) Disable(context.Context, webhook.Key, int64) (bool, error)          { return true, nil }
func (stubs) Body(context.Context, event.Key, event.Hash) ([]byte, error)        { return []byte(`{}`), nil }
func (stubs) Append(context.Context, []attemptlog.Log) ([]attemptlog.Log, error) { return nil, nil }
func (stubs) Wake(time.Time)                                                     {}
func (stubs) Send(context.Context, attempt.Request) attempt.Result {
	return attempt.Result{StatusCode: 500}
}

// earliest returns when the first message becomes visible.
func (w *world) earliest() time.Time {
	return slices.MinFunc(w.messages, func(a, b pending) int { return a.at.Compare(b.at) }).at
}

// take removes the message that is visible first, and waits for it.
func (w *world) take() pending {
	at := w.earliest()
	first := slices.IndexFunc(w.messages, func(m pending) bool { return m.at.Equal(at) })
	m := w.messages[first]
	w.messages = slices.Delete(w.messages, first, first+1)
	if w.now.Before(at) {
		w.now = at
	}
	return m
}

// nextTick returns when the retrier next runs with something to move; false
// when nothing waits in the table.
func (w *world) nextTick() (time.Time, bool) {
	var due time.Time
	for _, row := range w.table.waiting() {
		m, err := delivery.Decode([]byte(text(row["message"])))
		if err == nil && (due.IsZero() || m.Delivery.Due.Before(due)) {
			due = m.Delivery.Due
		}
	}
	next := w.now.Truncate(time.Minute).Add(time.Minute)
	if soon := due.Add(-time.Minute).Truncate(time.Minute); soon.After(next) {
		next = soon
	}
	return next, !due.IsZero()
}
