package retrier_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/delivery/dispatch"
	"webhooks/shared/delivery/inbound"
	"webhooks/shared/delivery/retrier"
	"webhooks/shared/delivery/retrydb"
	"webhooks/shared/event"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
)

// visibility is the visibility timeout of the queue, after which it repeats a message
// whose dispatcher died: six times the function's timeout.
const visibility = 6 * time.Minute

const (
	// shortSchedule has six attempts. The first two waits are spent in the queue, the
	// others in the table.
	shortSchedule = "5,300,1800,3600,3600"
	// longSchedule has seven attempts. The last is due later than a receiver can
	// postpone an attempt by asking for an hour three times.
	longSchedule = "5,300,1800,7200,18000,36000"
)

// world is one delivery with the real dispatcher and retrier, and a clock that jumps
// from one event to the next.
type world struct {
	now        time.Time
	messages   []pending
	table      *memory
	dispatcher *dispatch.Dispatcher
	retrier    *retrier.Retrier
	retries    *retries
	schedule   delivery.Schedule
	made       []int // requests by attempt
	attempt    int   // of the delivery that is handled
	// answer is the receiver's; nil answers 500 at once. It may advance now.
	answer func(attempt int) attempt.Result
	// skew returns by how much the clock of the next instance is ahead of now, between
	// -maxSkew and maxSkew; nil means that all clocks agree.
	skew    func() time.Duration
	maxSkew time.Duration
	ahead   time.Duration // the clock of the instance that runs
	// refuse reports whether the queue refuses the next message; nil refuses none.
	refuse func() bool
}

// pending is a message in the deliveries queue.
type pending struct {
	body string
	at   time.Time // when it becomes visible
}

func newWorld(t *testing.T, waits string) *world {
	schedule, err := delivery.ParseSchedule(waits)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{now: start, table: newMemory(), schedule: schedule, made: make([]int, len(schedule)+2)}
	clock, log := func() time.Time { return w.now.Add(w.ahead) }, slog.New(slog.DiscardHandler)
	store := retrydb.New(w.table, "retries")
	// Without a cursor the first run would read the minutes of a day.
	if err := store.Advance(t.Context(), retrydb.MinuteOf(w.now)); err != nil {
		t.Fatal(err)
	}
	w.retries = &retries{Retries: store}
	w.dispatcher = dispatch.New(dispatch.Config{
		Consumer: inbound.Consumer{Log: log, MaxReceiveCount: 50},
		Webhooks: stubs{}, Events: stubs{}, Logs: stubs{}, Retries: store, Sender: w, Queue: deliveries{w},
		SlowQueue: deliveries{w}, SlowQueueARN: "slow", Health: unknown{}, Slots: unknown{}, Sleep: dispatch.Sleep, // no context has a deadline, so nothing is taken
		Schedule: schedule, Now: clock,
	})
	w.retrier = &retrier.Retrier{Log: log, Retries: w.retries, Queue: deliveries{w}, Now: clock}
	w.messages = []pending{{first().Encode(), w.now}}
	return w
}

// first is the delivery of the world.
func first() delivery.Delivery {
	d := waiting("evt_1", start)
	d.Attempt, d.Body = 1, []byte(`{}`)
	return d
}

// plan returns the due time of each attempt by the schedule alone.
func (w *world) plan() []time.Time {
	d := first()
	due := []time.Time{1: d.Due}
	for {
		next, more := w.schedule.Next(d)
		if !more {
			return due
		}
		due = append(due, next)
		d = d.Following(delivery.Verdict{Next: next, At: next})
	}
}

// rows returns the deliveries of the rows.
func (w *world) rows() []delivery.Delivery {
	var list []delivery.Delivery
	for _, row := range w.table.waiting() {
		if m, err := delivery.Decode([]byte(text(row["message"]))); err == nil {
			list = append(list, m.Deliveries...)
		}
	}
	return list
}

// deliveries is the world's queue.
type deliveries struct{ *world }

func (d deliveries) Send(_ context.Context, messages []queue.Message) []error {
	failures := make([]error, len(messages))
	for i, m := range messages {
		if d.refuse != nil && d.refuse() {
			failures[i] = errBroken
			continue
		}
		delay := (max(m.Delay, 0) + time.Second - 1).Truncate(time.Second)
		d.messages = append(d.messages, pending{m.Body, d.now.Add(delay)})
	}
	return failures
}

// Wake, Timeout and Send make the world its own receiver.
func (w *world) Wake(time.Time) {}

func (w *world) Timeout() time.Duration { return 15 * time.Second }

func (w *world) Send(context.Context, attempt.Request) attempt.Result {
	if w.answer == nil {
		return attempt.Result{StatusCode: 500}
	}
	return w.answer(w.attempt)
}

// stubs stands for the other tables: it has one webhook and accepts every write.
type stubs struct{}

func (stubs) GetMany(_ context.Context, keys []webhook.Key, _ time.Time) (map[webhook.Key]webhook.Webhook, map[webhook.Key]error) {
	return map[webhook.Key]webhook.Webhook{keys[0]: webhooktest.Webhook(keys[0].TenantID)}, nil
}
func (stubs) Disable(context.Context, webhook.Key, int64, time.Time) (bool, error) { return true, nil }
func (stubs) GetBody(context.Context, event.Key, event.Hash) ([]byte, error) {
	return []byte(`{}`), nil
}
func (stubs) Append(context.Context, []attemptlog.Chunk) ([]attemptlog.Chunk, error) { return nil, nil }

// unknown is the health of a webhook that nobody records: its breaker never opens. The
// webhook has no rate limit.
type unknown struct {
	dispatch.Health
	dispatch.Slots
}

func (unknown) AddFailures(context.Context, webhook.Webhook, int, time.Time) (webhook.Health, error) {
	return webhook.Health{}, nil
}

// earliest returns when the first message becomes visible.
func (w *world) earliest() time.Time {
	return slices.MinFunc(w.messages, func(a, b pending) int { return a.at.Compare(b.at) }).at
}

// take removes the message that is visible first, and advances now to that time.
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

// oldest returns when the first row is due; false without rows.
func (w *world) oldest() (due time.Time, exists bool) {
	for _, row := range w.rows() {
		if due.IsZero() || row.Due.Before(due) {
			due = row.Due
		}
	}
	return due, !due.IsZero()
}

// nextTick returns the next run of the retrier that may have a row to move; false
// without rows.
func (w *world) nextTick() (time.Time, bool) {
	due, exists := w.oldest()
	next := w.now.Truncate(time.Minute).Add(time.Minute)
	if soon := due.Add(-time.Minute - w.maxSkew).Truncate(time.Minute); soon.After(next) {
		next = soon
	}
	return next, exists
}

// skipRuns moves the cursor as the runs before now do, which have no row to move: to
// ten minutes before the fastest clock, but not past a row.
func (w *world) skipRuns(t rapid.TB) {
	cursor := retrydb.MinuteOf(w.now.Add(w.maxSkew-10*time.Minute)) - 1
	if due, exists := w.oldest(); exists {
		cursor = min(cursor, retrydb.MinuteOf(due))
	}
	if err := w.retries.Advance(context.Background(), cursor); err != nil {
		t.Fatal(err)
	}
}
