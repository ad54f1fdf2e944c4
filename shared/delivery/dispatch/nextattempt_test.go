package dispatch_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/attemptlog"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
)

// busy returns a receiver that answers 503 with Retry-After.
func busy(retryAfter string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", retryAfter)
		w.WriteHeader(http.StatusServiceUnavailable)
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		asked string
		wait  time.Duration // 0: the schedule's own
		row   bool          // the next attempt is a row of the retries table
	}{
		{name: "shorter than the schedule", asked: "1"},
		{name: "longer than the schedule", asked: "120", wait: 2 * time.Minute},
		{name: "the longest delay of a queue", asked: "900", wait: 15 * time.Minute},
		{name: "longer than the delay of a queue", asked: "901", wait: 30 * time.Minute, row: true}, // the next quarter of an hour
		{name: "longer than our limit", asked: "999999", wait: 24*time.Hour + 15*time.Minute, row: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			receiver := httptest.NewServer(busy(tt.asked))
			defer receiver.Close()
			w := b.create(t, receiver.URL)
			d := b.to(w, 1)
			b.settle(t, d)

			want := b.now.Add(tt.wait)
			if tt.wait == 0 {
				want, _ = schedule(t).Next(d)
			}
			logs := b.written(t, w)
			if len(logs) != 1 || logs[0].Outcome != attemptlog.Retrying || !logs[0].NextAttemptAt.Equal(want) {
				t.Fatalf("logs = %+v, want the next attempt at %v", logs, want)
			}
			messages, _ := b.queue.take(t)
			rows := b.rows(t, want)
			if (len(rows) == 1) != tt.row || len(rows)+len(messages) != 1 {
				t.Fatalf("rows %v, queued %v, want a row: %t", rows, messages, tt.row)
			}
			if !tt.row && messages[0].Delay != want.Sub(b.now) {
				t.Errorf("delay %v", messages[0].Delay)
			}
		})
	}
}

func TestCopiesShareOneRow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	receiver := httptest.NewServer(answer(500, new(atomicCount)))
	defer receiver.Close()
	w := b.create(t, receiver.URL)
	d := b.to(w, 1)
	d.Attempt = 3 // followed by a wait of half an hour
	due, _ := schedule(t).Next(d)
	want := d
	want.Attempt, want.Due, want.First, want.Body = 4, due, d.Due, nil

	b.settle(t, d, d)
	b.now = b.now.Add(5 * time.Minute) // a third copy is late
	b.settle(t, d)
	if diff := cmp.Diff([]delivery.Delivery{want}, b.rows(t, due)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if messages, _ := b.queue.take(t); len(messages) != 0 {
		t.Errorf("queued %v, want only the row", messages)
	}
	if logs := b.written(t, w); len(logs) != 3 {
		t.Errorf("%d logs, want those of three attempts", len(logs))
	}
}

// A next attempt at the limit goes to the queue or to the table, although the clock
// advances at each reading.
func TestANextAttemptGoesToQueueOrTable(t *testing.T) {
	t.Parallel()
	for _, around := range []time.Duration{-2 * time.Millisecond, -time.Millisecond, 0, time.Millisecond, 2 * time.Millisecond} {
		var queued, stored int
		d := stubbed(t, attempt.Result{StatusCode: 500})
		first := one(1)
		first.Attempt = 3
		due, _ := d.Schedule.Next(first)
		now := due.Add(-15*time.Minute - 10*time.Millisecond + around)
		var mu sync.Mutex // health is recorded beside the flush
		d.Now = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			now = now.Add(2 * time.Millisecond)
			return now
		}
		d.Queue = counting(&queued)
		d.Retries = storing(&stored)
		if response, err := d.Handle(t.Context(), batch(message(first.Encode()))); err != nil || len(response.BatchItemFailures) != 0 {
			t.Fatal(response, err)
		}
		if queued+stored != 1 {
			t.Errorf("%v from the limit: %d queued and %d stored, want one", around, queued, stored)
		}
	}
}
