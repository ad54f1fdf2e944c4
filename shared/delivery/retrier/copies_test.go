package retrier_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"pgregory.net/rapid"

	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/delivery/retrydb"
)

// fault is a failure while the dispatcher handles a message.
type fault int

const (
	none         fault = iota
	diedBefore         // the dispatcher dies before the request
	diedAfter          // it dies after the request, before it writes anything
	diedSettling       // it dies after all writes; the same as a duplicate from SQS
	faults             // the number of faults
)

// step receives the next message or runs the retrier, whichever is first. If tickDies
// returns true, the retrier dies between sending and deleting, which has the same
// effect as a second retrier at the same time.
func (w *world) step(t rapid.TB, faultOf func(attempt int) fault, tickDies func() bool) {
	if w.skew != nil {
		w.ahead = w.skew()
	}
	if tick, waiting := w.nextTick(); waiting && (len(w.messages) == 0 || !w.earliest().Before(tick)) {
		w.now = tick
		w.retries.delete = nil
		w.skipRuns(t)
		if tickDies() {
			w.retries.delete = func([]retrydb.Row) error { return errBroken }
		}
		if err := w.retrier.Run(context.Background()); err != nil && !errors.Is(err, errBroken) {
			t.Fatal(err)
		}
		return
	}
	m := w.take()
	content, err := delivery.Decode([]byte(m.body))
	if err != nil {
		t.Fatal(err)
	}
	attempt := content.Deliveries[0].Attempt
	what := faultOf(attempt)
	if what != none {
		w.messages = append(w.messages, pending{m.body, w.now.Add(visibility)})
	}
	if what != diedBefore {
		w.made[attempt]++
	}
	if what == none || what == diedSettling {
		w.attempt = attempt
		w.handle(t, m.body)
	}
}

func (w *world) handle(t rapid.TB, body string) {
	w.skipRuns(t)
	response, err := w.dispatcher.Handle(context.Background(), events.SQSEvent{Records: []events.SQSMessage{{
		MessageId: "m", Body: body, Attributes: map[string]string{"ApproximateReceiveCount": "1"},
	}}})
	if err != nil || len(response.BatchItemFailures) > 0 {
		t.Fatal(response, err)
	}
}

// idle reports whether there is neither a message nor a row that the retrier is about
// to move. (A row that was sent and not deleted is in the table beside the row of the
// next attempt.)
func (w *world) idle() bool {
	tick, waiting := w.nextTick()
	return len(w.messages) == 0 && (!waiting || tick.Sub(w.now) > 2*time.Minute)
}

// runToEnd steps until no message and no row is left, and calls whenIdle each time the
// world is idle.
func (w *world) runToEnd(t rapid.TB, faultOf func(attempt int) fault, tickDies func() bool, whenIdle func()) {
	for steps := 0; ; steps++ {
		rows := len(w.table.waiting())
		if w.idle() {
			whenIdle()
		}
		if len(w.messages) == 0 && rows == 0 {
			return
		}
		if steps > 10_000 {
			t.Fatalf("%d messages and %d rows after %v: the delivery never ends", len(w.messages), rows, w.now.Sub(start))
		}
		w.step(t, faultOf, tickDies)
	}
}

// once returns at most one fault for each of the first three attempts.
func once(t *rapid.T, attempts int) func(attempt int) fault {
	had := make([]bool, attempts)
	return func(attempt int) fault {
		if attempt > 3 || had[attempt] {
			return none
		}
		what := fault(rapid.IntRange(0, int(faults)-1).Draw(t, "fault"))
		had[attempt] = what != none
		return what
	}
}

func never() bool { return false }

// After any four faults, the copies of a delivery collapse into one row again, every
// attempt is made, and no message or row is left.
func TestCopiesOfADeliveryCollapse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, shortSchedule)
		left := rapid.IntRange(0, 4).Draw(rt, "faults") // at most 24 minutes, less than the last two waits
		faultOf := func(int) fault {
			if left == 0 {
				return none
			}
			what := fault(rapid.IntRange(0, int(faults)-1).Draw(rt, "fault"))
			if what != none {
				left--
			}
			return what
		}
		tickDies := func() bool {
			if left == 0 || !rapid.Bool().Draw(rt, "the retrier dies") {
				return false
			}
			left--
			return true
		}
		w.runToEnd(rt, faultOf, tickDies, func() {
			if rows := len(w.table.waiting()); rows > 1 {
				rt.Fatalf("%d rows of one delivery, requests by attempt: %v", rows, w.made[1:])
			}
		})
		for attempt, made := range w.made[1:] {
			if made == 0 {
				rt.Fatalf("attempt %d was never made: %v", attempt+1, w.made[1:])
			}
		}
	})
}

// However many copies the first three attempts make: from the fourth on, each attempt
// is one request. (Two deaths in a row at the third attempt take 12 minutes: then the
// copy is too late for the row of the fourth, and collapses one attempt later.)
func TestOneRequestFromTheFourthAttemptOn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, shortSchedule)
		w.runToEnd(rt, once(rt, len(w.made)), never, func() {})
		for attempt := 4; attempt < len(w.made); attempt++ {
			if w.made[attempt] != 1 {
				rt.Fatalf("attempt %d is %d requests: %v", attempt, w.made[attempt], w.made[1:])
			}
		}
	})
}

// Retry-After moves the due time of the next attempt away from the schedule, and for
// each copy of the delivery by another amount. Whatever it asks for, and however slow
// the receiver is: at most one row is on schedule, and the copies collapse as soon as
// the schedule's time is later than the requested one.
func TestCopiesCollapseAfterRetryAfter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, longSchedule)
		plan := w.plan()
		// requested[n] is the time before which at least one copy must not make attempt
		// n+1.
		requested := make([]time.Time, len(w.made))
		w.answer = func(n int) attempt.Result {
			result := attempt.Result{StatusCode: 503}
			if rapid.Bool().Draw(rt, "slow") {
				result.ResponseTime = 15 * time.Second
				w.now = w.now.Add(result.ResponseTime)
			}
			if n > len(w.schedule) {
				return result
			}
			wait := w.schedule[n-1] / 2
			if n <= 3 && rapid.Bool().Draw(rt, "asks") {
				result.RetryAfter = time.Duration(rapid.IntRange(1, 3600).Draw(rt, "Retry-After")) * time.Second
				wait = max(wait, result.RetryAfter+15*time.Minute) // rounded up
			}
			if earliest := w.now.Add(wait); earliest.After(requested[n]) {
				requested[n] = earliest
			}
			return result
		}
		w.runToEnd(rt, once(rt, len(w.made)), never, func() {
			onPlan := 0
			for _, row := range w.rows() {
				if row.Due.Equal(plan[row.Attempt]) {
					onPlan++
				}
			}
			if onPlan > 1 {
				rt.Fatalf("%d rows are on schedule, requests by attempt: %v", onPlan, w.made[1:])
			}
		})
		last := len(w.made) - 1
		for n := 4; n <= last; n++ {
			ahead := requested[n-1].Before(plan[n])
			if ahead && w.made[n] != 1 || w.made[n] == 0 {
				rt.Fatalf("attempt %d is %d requests, scheduled after the requested time: %t; requests by attempt: %v", n, w.made[n], ahead, w.made[1:])
			}
			if n == last && !ahead {
				rt.Fatalf("attempt %d is planned for %v, and still requested for %v: the delivery does not return to its schedule", n, plan[n], requested[n-1])
			}
		}
	})
}

// If Retry-After asks for whole quarters of an hour, a copy that is received again
// after a crash collapses at once.
func TestCopiesCollapseAtOnceAfterRetryAfter(t *testing.T) {
	t.Parallel()
	for _, asked := range []time.Duration{30 * time.Minute, time.Hour, 24 * time.Hour} {
		for after := 1; after <= 3; after++ {
			t.Run(fmt.Sprintf("%v after attempt %d", asked, after), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, longSchedule)
				w.answer = func(n int) attempt.Result {
					if n == after {
						return attempt.Result{StatusCode: 503, RetryAfter: asked}
					}
					return attempt.Result{StatusCode: 500}
				}
				repeated := false
				w.runToEnd(t, func(n int) fault {
					if n != after || repeated {
						return none
					}
					repeated = true
					return diedSettling
				}, never, func() {
					if rows := w.rows(); len(rows) > 1 {
						t.Fatalf("%d rows, want at most one: %+v", len(rows), rows)
					}
				})
				for n, made := range w.made {
					want := min(n, 1) // there is no attempt 0
					if n == after {
						want = 2
					}
					if made != want {
						t.Errorf("attempt %d is %d requests, want %d", n, made, want)
					}
				}
			})
		}
	}
}
