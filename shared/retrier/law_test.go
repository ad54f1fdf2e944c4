package retrier_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"pgregory.net/rapid"

	"webhooks/shared/delivery"
	"webhooks/shared/retrydb"
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
func (w *world) step(t *rapid.T, faultOf func(attempt int) fault, tickDies func() bool) {
	if tick, waiting := w.nextTick(); waiting && (len(w.messages) == 0 || !w.earliest().Before(tick)) {
		w.now = tick
		w.retries.delete = nil
		// The runs since the last one found nothing and moved the cursor.
		if err := w.retries.Advance(t.Context(), retrydb.MinuteOf(tick.Add(-10*time.Minute))-2); err != nil {
			t.Fatal(err)
		}
		if tickDies() {
			w.retries.delete = func([]retrydb.Row) error { return errBroken }
		}
		if err := w.retrier.Run(t.Context()); err != nil && !errors.Is(err, errBroken) {
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
		w.handle(t, m.body)
	}
}

func (w *world) handle(t *rapid.T, body string) {
	response, err := w.dispatcher.Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{
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
func (w *world) live(t *rapid.T, faultOf func(attempt int) fault, tickDies func() bool, look func()) {
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

// Whatever dies and whatever comes twice: the copies of a delivery collapse into
// one row again, every attempt is made, and nothing is left behind.
func TestCopiesOfADeliveryCollapse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
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
		w := newWorld(t)
		var had [attempts + 1]bool
		faultOf := func(attempt int) fault {
			if attempt > 3 || had[attempt] {
				return none
			}
			what := fault(rapid.IntRange(0, int(faults)-1).Draw(rt, "fault"))
			had[attempt] = what != none
			return what
		}
		w.live(rt, faultOf, func() bool { return false }, func() {})
		for attempt := 4; attempt <= attempts; attempt++ {
			if w.made[attempt] != 1 {
				rt.Fatalf("attempt %d is %d requests: %v", attempt, w.made[attempt], w.made[1:])
			}
		}
	})
}
