package crash_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/deadletter"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/retrydb"
	"webhooks/shared/testkit/faulttest"
	"webhooks/shared/webhook"
)

// visibility is the visibility timeout of the queues, and functionTime the timeout
// of the functions.
const (
	visibility   = 6 * time.Minute
	functionTime = 60 * time.Second
)

// walk is one run of five messages through the functions: a small event and a large
// one for two webhooks, whose deliveries share a message, one for a webhook whose
// breaker is open, one that is refused, and one with the id of another event. One call
// fails, or with a stride several.
type walk struct {
	*world
	t       *testing.T
	failure failure
	number  int // of the first call that fails, from 1
	stride  int
	name    string // part of every id
	begun   time.Time
	held    webhook.Key // its breaker is open
	path    string      // of the held webhook's receiver: gone, or shut

	waiting  map[string][]*message    // by queue
	taken    map[string]*takenMessage // by receipt handle, of the current invocation
	letters  []*message
	redriven int
	together int // messages with the deliveries to both webhooks

	written atomic.Bool // since the rows were read
	known   []delivery.Delivery

	mu        sync.Mutex
	took      int      // messages that the dispatcher took
	calls     int      // to which the failure applies
	failed    []string // descriptions of the calls that failed
	running   string   // name of the current function
	mayRepeat bool     // a call failed outside repeatsNoAttemptIn
}

const (
	eventsQueue     = "events"
	deliveriesQueue = "deliveries"
	slowQueue       = "slow"
	dispatcherName  = "dispatcher"
	flaky, fine     = 1, 2 // webhooks of the tenant
)

// intercept answers the calls of the functions.
func (w *walk) intercept(c faulttest.Call) (any, error) {
	if c.Operation == "ReceiveMessage" {
		w.polled.Load().give()
	}
	if w.ended.Load() {
		return nil, errEnded
	}
	w.stamp(c, w.now)
	c = w.taking(c).Watched(func(result any) {
		w.countSent(c, result)
		if c.Operation == "BatchWriteItem" {
			w.written.Store(true)
		}
	})
	exempt := w.failure.only != "" && w.running != w.failure.only
	if exempt || !w.failure.applies(c) || !w.fails(c.Operation) {
		return c.Make()
	}
	result, err := w.failure.fail(c)
	if w.failure.endsProcess {
		w.ended.Store(true)
	}
	return result, err
}

// maxWithStride bounds the calls that fail in a walk with a stride. If every
// invocation makes exactly stride calls, each invocation would fail at the same
// call for ever. The bound is larger than the number of calls of a walk without
// failures, also when it is rounded down to whole strides (see
// TestWalkWithoutFailures).
const maxWithStride = 10 * crashStride

// fails counts a call and reports whether it fails.
func (w *walk) fails(operation string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	fails := w.calls == w.number || w.stride > 0 && len(w.failed) < maxWithStride/w.stride && w.calls%w.stride == w.number%w.stride
	if fails {
		w.failed = append(w.failed, fmt.Sprintf("call %d, %s of the %s", w.calls, operation, w.running))
		// A taken message that is not deleted is received again.
		w.mayRepeat = w.mayRepeat || w.running != w.failure.repeatsNoAttemptIn || operation == "DeleteMessageBatch"
	}
	return fails
}

// invoke passes a batch to a function and settles its messages as Lambda's poller
// does.
func (w *walk) invoke(queue string, batch []*message, handle func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)) {
	w.polled.Store(newSignal())
	var input events.SQSEvent
	for _, m := range batch {
		m.receives++
		input.Records = append(input.Records, m.record(queue))
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), functionTime)
	defer cancel()
	response, err := handle(ctx, input)
	failed := make(map[string]bool)
	for _, failure := range response.BatchItemFailures {
		failed[failure.ItemIdentifier] = true
	}
	all := err != nil || w.processEnded()
	for _, m := range batch {
		if all || failed[m.id] {
			m.visibleAt = w.now.Add(visibility)
			w.waiting[queue] = append(w.waiting[queue], m)
		}
	}
	w.returnTaken()
}

// processEnded reports whether the process ended before its response to Lambda, and
// starts another one.
func (w *walk) processEnded() bool {
	ended := w.ended.Load() || w.failure.endsProcess && w.fails("the response to Lambda")
	w.ended.Store(false)
	return ended
}

// step runs the next invocation. It returns false when nothing is left to do.
func (w *walk) step() bool {
	queue := eventsQueue
	for _, other := range []string{deliveriesQueue, slowQueue} {
		if d, e := w.waiting[other], w.waiting[queue]; len(e) == 0 || len(d) > 0 && earliestVisible(d).Before(earliestVisible(e)) {
			queue = other
		}
	}
	tick, rows := w.nextTick()
	if len(w.waiting[queue]) == 0 && !rows {
		return w.redrive()
	}
	if rows && (len(w.waiting[queue]) == 0 || tick.Before(earliestVisible(w.waiting[queue]))) {
		w.tick(tick)
	} else {
		batch, rest, at := nextBatch(w.waiting[queue], w.batchSize)
		w.waiting[queue] = rest
		w.now = later(w.now, at)
		if queue == eventsQueue {
			w.running = "fanout"
			w.invoke(queue, batch, w.fanout.Handle)
		} else {
			w.running = dispatcherName
			w.invoke(queue, batch, w.dispatcher.Handle)
		}
	}
	queued := w.collect(w.t, w.names.deliveries, w.now)
	for _, m := range queued {
		if strings.Contains(m.body, fmt.Sprintf(`"webhook_ids":[%d,%d]`, flaky, fine)) {
			w.together++
		}
	}
	w.waiting[deliveriesQueue] = append(w.waiting[deliveriesQueue], queued...)
	w.waiting[slowQueue] = append(w.waiting[slowQueue], w.collect(w.t, w.names.slow, w.now)...)
	w.letters = append(w.letters, w.collect(w.t, w.names.eventLetters, w.now)...)
	w.letters = append(w.letters, w.collect(w.t, w.names.deadLetters, w.now)...)
	return true
}

func earliestVisible(list []*message) time.Time {
	at := list[0].visibleAt
	for _, m := range list {
		if m.visibleAt.Before(at) {
			at = m.visibleAt
		}
	}
	return at
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// tick runs the retrier. The runs that the walk left out would have moved the
// cursor, but not past a row.
func (w *walk) tick(at time.Time) {
	w.now = later(w.now, at)
	cursor := retrydb.MinuteOf(w.now.Add(-w.cursorLag))
	if due, found := w.earliest(); found {
		cursor = min(cursor, retrydb.MinuteOf(due))
	}
	if err := w.cursor.Advance(w.t.Context(), cursor); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), functionTime)
	defer cancel()
	w.running = "retrier"
	_ = w.retrier.Run(ctx) // the next run repeats what failed
	w.processEnded()
	w.now = w.now.Add(time.Minute)
}

// redrive redrives the dead letters that can succeed without a change, as make
// redrive does: as new messages, those of events with the original id and time in the
// body. Events come before deliveries, because they store the missing bodies. It
// returns false without such letters.
func (w *walk) redrive() bool {
	var kept []*message
	before := w.redriven
	for _, m := range w.letters {
		if reason := deadletter.Reason(m.attributes["reason"]); reason != deadletter.TooManyReceives && reason != deadletter.BodyMissing {
			kept = append(kept, m)
			continue
		}
		w.redriven++
		queue := deliveriesQueue
		if !strings.Contains(m.body, `"kind":`) {
			queue = eventsQueue
			m.body = fmt.Sprintf(`{"redrive":1,"event_id":%q,"sent_at":%s,"body":%q}`, m.attributes["event_id"], m.attributes["sent_at"], m.body)
		}
		m.id, m.sentAt, m.visibleAt, m.receives = m.id+"-redriven", w.now, w.now, 0
		clear(m.attributes)
		w.waiting[queue] = append(w.waiting[queue], m)
	}
	w.letters = kept
	return w.redriven > before
}
