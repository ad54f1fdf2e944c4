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

// fault is what goes wrong with one receipt of a message.
type fault int

const (
	none         fault = iota
	diedBefore         // the dispatcher died before the request
	diedAfter          // … after it, before anything was written down
	diedSettling       // … when only the message was not settled; or SQS repeats it
	faults             // how many there are
)

// step lets one thing happen: the next message is received, or the retrier
// runs. It dies between sending and deleting if tickDies says so: just what a
// second retrier at the same moment comes to.
func (w *world) step(t rapid.TB, faultOf func(attempt int) fault, tickDies func() bool) {
	if tick, waiting := w.nextTick(); waiting && (len(w.messages) == 0 || !w.earliest().Before(tick)) {
		w.now = tick
		w.retries.delete = nil
		// The runs since the last one found nothing and moved the cursor.
		if err := w.retries.Advance(context.Background(), retrydb.MinuteOf(tick.Add(-10*time.Minute))-2); err != nil {
			t.Fatal(err)
		}
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
	what := faultOf(content.Delivery.Attempt)
	if what != none {
		w.messages = append(w.messages, pending{m.body, w.now.Add(visibility)})
	}
	if what != diedBefore {
		w.made[content.Delivery.Attempt]++
	}
	if what == none || what == diedSettling {
		w.attempt = content.Delivery.Attempt
		w.handle(t, m.body)
	}
}

func (w *world) handle(t rapid.TB, body string) {
	response, err := w.dispatcher.Handle(context.Background(), events.SQSEvent{Records: []events.SQSMessage{{
		MessageId: "m", Body: body, Attributes: map[string]string{"ApproximateReceiveCount": "1"},
	}}})
	if err != nil || len(response.BatchItemFailures) > 0 {
		t.Fatal(response, err)
	}
}

// resting tells whether nothing is under way: there is no message, and no row
// that the retrier is about to move (one that it sent and could not delete is
// still there beside the row of the next attempt).
func (w *world) resting() bool {
	tick, waiting := w.nextTick()
	return len(w.messages) == 0 && (!waiting || tick.Sub(w.now) > 2*time.Minute)
}

// live runs the world until nothing is left in it, and calls look whenever it is
// resting.
func (w *world) live(t rapid.TB, faultOf func(attempt int) fault, tickDies func() bool, look func()) {
	for steps := 0; ; steps++ {
		rows := len(w.table.waiting())
		if w.resting() {
			look()
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

// once lets the first receipt of each attempt up to the third go wrong.
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

// Whatever dies and whatever comes twice: the copies of a delivery collapse into
// one row again, every attempt is made, and nothing is left behind.
func TestCopiesOfADeliveryCollapse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, shortSchedule)
		left := rapid.IntRange(0, 4).Draw(rt, "faults") // 24 minutes late at most: the last two waits are longer
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
		w.live(rt, faultOf, tickDies, func() {
			if rows := len(w.table.waiting()); rows > 1 {
				rt.Fatalf("%d chains of one delivery, requests by attempt: %v", rows, w.made[1:])
			}
		})
		for attempt, made := range w.made[1:] {
			if made == 0 {
				rt.Fatalf("attempt %d was never made: %v", attempt+1, w.made[1:])
			}
		}
	})
}

// As many copies as the first three attempts may make: from the fourth on, each
// attempt is one request. (Two deaths in a row at the third attempt are 12
// minutes: then its copy is too late for the row of the fourth, and collapses
// one attempt later.)
func TestOneChainBeyondTheThirdAttempt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, shortSchedule)
		w.live(rt, once(rt, len(w.made)), never, func() {})
		for attempt := 4; attempt < len(w.made); attempt++ {
			if w.made[attempt] != 1 {
				rt.Fatalf("attempt %d is %d requests: %v", attempt, w.made[attempt], w.made[1:])
			}
		}
	})
}

// A receiver that asks for time moves the next attempt away from the schedule,
// and each copy's by another clock. Whatever it asks, and however slow it is: of
// a delivery that is on schedule there is one chain, and the others join it as
// soon as the schedule's own times lie ahead of what was asked.
func TestCopiesCollapseAfterTheReceiverAskedForTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, longSchedule)
		plan := w.plan()
		// until is when the attempt after each may be made at the latest copy's wish.
		until := make([]time.Time, len(w.made))
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
				wait = max(wait, result.RetryAfter+15*time.Minute) // what is asked is rounded up
			}
			if wish := w.now.Add(wait); wish.After(until[n]) {
				until[n] = wish
			}
			return result
		}
		w.live(rt, once(rt, len(w.made)), never, func() {
			onPlan := 0
			for _, row := range w.rows() {
				if row.Due.Equal(plan[row.Attempt]) {
					onPlan++
				}
			}
			if onPlan > 1 {
				rt.Fatalf("%d chains that are on schedule, requests by attempt: %v", onPlan, w.made[1:])
			}
		})
		last := len(w.made) - 1
		for n := 4; n <= last; n++ {
			ahead := until[n-1].Before(plan[n])
			if ahead && w.made[n] != 1 || w.made[n] == 0 {
				rt.Fatalf("attempt %d is %d requests, its time lies ahead: %t; requests by attempt: %v", n, w.made[n], ahead, w.made[1:])
			}
			if n == last && !ahead {
				rt.Fatalf("attempt %d was planned for %v, and the one before may last until %v: the schedule is never caught up with", n, plan[n], until[n-1])
			}
		}
	})
}

// The usual copy is as late as a dead dispatcher's messages, and the usual
// receiver asks for whole quarters of an hour: then there is one row at once.
func TestOneRowOfWhatTheReceiverAskedFor(t *testing.T) {
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
				w.live(t, func(n int) fault {
					if n != after || repeated {
						return none
					}
					repeated = true
					return diedSettling
				}, never, func() {
					if rows := w.rows(); len(rows) > 1 {
						t.Fatalf("%d rows: %+v", len(rows), rows)
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
