package crash_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/deadletter"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/retrydb"
	"webhooks/shared/event"
	"webhooks/shared/testkit/faulttest"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
)

// visibility is how late a message comes again that was not settled, and
// functionTime is what an invocation has.
const (
	visibility   = 6 * time.Minute
	functionTime = 60 * time.Second
)

// walk is five messages on their way: a small event and a large one for two
// webhooks, one for a webhook whose breaker is open, one that cannot be read and
// one whose id another event has. One call fails, or one in stride.
type walk struct {
	*world
	t      *testing.T
	kind   kind
	number int
	stride int
	name   string // of the walk, in every id
	begun  time.Time
	held   webhook.Key // its breaker is open
	path   string      // of its receiver: gone, or shut

	waiting  map[string][]*message // by queue
	letters  []*message
	redriven int

	written atomic.Bool // since the rows were read
	known   []delivery.Delivery

	mu    sync.Mutex
	calls int // that the kind applies to
	log   []string
	// running is the function that is, and others says that a failure struck
	// another one than the kind's notAgain.
	running string
	others  bool
}

const (
	eventsQueue     = "events"
	deliveriesQueue = "deliveries"
	slowQueue       = "slow"
	dispatcherName  = "dispatcher"
	flaky, fine     = 1, 2 // webhooks of the tenant
)

// fault is between the SDK and AWS.
func (w *walk) fault(c faulttest.Call) (any, error) {
	if w.dead.Load() {
		return nil, errDead
	}
	w.stamp(c, w.now)
	c = c.Watched(func(result any) {
		w.sawSent(c, result)
		if c.Operation == "BatchWriteItem" {
			w.written.Store(true)
		}
	})
	others := w.kind.only != "" && w.running != w.kind.only
	if others || !w.kind.applies(c) || !w.hit(c.Operation) {
		return c.Make()
	}
	result, err := w.kind.strike(c)
	if w.kind.dies {
		w.dead.Store(true)
	}
	return result, err
}

// stridden is how many calls of a walk may fail in stride: where an invocation
// makes just as many calls as are apart, each would fail at the same one, for
// ever. Also rounded down to whole strides it is more than a walk without
// failures makes (see TestAWalkWithoutFailures).
const stridden = 8 * farApart

// hit counts a call and tells whether it is one that fails.
func (w *walk) hit(what string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	hit := w.calls == w.number || w.stride > 0 && len(w.log) < stridden/w.stride && w.calls%w.stride == w.number%w.stride
	if hit {
		w.log = append(w.log, fmt.Sprintf("call %d, %s of the %s", w.calls, what, w.running))
		w.others = w.others || w.running != w.kind.notAgain
	}
	return hit
}

// invoke hands batch to a function and does with it what Lambda's poller does.
func (w *walk) invoke(queue string, batch []*message, handle func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)) {
	var input events.SQSEvent
	for _, m := range batch {
		m.receives++
		input.Records = append(input.Records, m.record(queue))
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), functionTime)
	defer cancel()
	response, err := handle(ctx, input)
	again := make(map[string]bool)
	for _, failure := range response.BatchItemFailures {
		again[failure.ItemIdentifier] = true
	}
	ended := err != nil || w.process()
	for _, m := range batch {
		if ended || again[m.id] {
			m.at = w.now.Add(visibility)
			w.waiting[queue] = append(w.waiting[queue], m)
		}
	}
}

// process tells whether the invocation's process ended before its answer, and
// starts another one.
func (w *walk) process() bool {
	ended := w.dead.Load() || w.kind.dies && w.hit("the answer to Lambda")
	w.dead.Store(false)
	return ended
}

// step lets the next thing happen. It returns false when nothing is left.
func (w *walk) step() bool {
	queue := eventsQueue
	for _, other := range []string{deliveriesQueue, slowQueue} {
		if d, e := w.waiting[other], w.waiting[queue]; len(e) == 0 || len(d) > 0 && first(d).Before(first(e)) {
			queue = other
		}
	}
	tick, rows := w.nextTick()
	if len(w.waiting[queue]) == 0 && !rows {
		return w.redrive()
	}
	if rows && (len(w.waiting[queue]) == 0 || tick.Before(first(w.waiting[queue]))) {
		w.tick(tick)
	} else {
		batch, rest, at := due(w.waiting[queue])
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
	w.waiting[deliveriesQueue] = append(w.waiting[deliveriesQueue], w.collect(w.t, w.names.deliveries, w.now)...)
	w.waiting[slowQueue] = append(w.waiting[slowQueue], w.collect(w.t, w.names.slow, w.now)...)
	w.letters = append(w.letters, w.collect(w.t, w.names.eventLetters, w.now)...)
	w.letters = append(w.letters, w.collect(w.t, w.names.deadLetters, w.now)...)
	return true
}

func first(list []*message) time.Time {
	at := list[0].at
	for _, m := range list {
		if m.at.Before(at) {
			at = m.at
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

// tick runs the retrier at at. The runs since the last one found nothing and
// moved the cursor, but never beyond a row.
func (w *walk) tick(at time.Time) {
	w.now = later(w.now, at)
	cursor := retrydb.MinuteOf(w.now.Add(-w.ticks))
	if due, waiting := w.earliest(); waiting {
		cursor = min(cursor, retrydb.MinuteOf(due))
	}
	if err := w.cursor.Advance(w.t.Context(), cursor); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), functionTime)
	defer cancel()
	w.running = "retrier"
	_ = w.retrier.Run(ctx) // what failed is there for the next run
	w.process()
	w.now = w.now.Add(time.Minute)
}

// redrive sends the letters that need nothing else back, as make redrive does:
// as new messages, with what belongs to the event. Events come first: they bring
// the body that a delivery misses. It returns false when there are none.
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
		}
		m.id, m.sentAt, m.at, m.receives = m.id+"-redriven", w.now, w.now, 0
		delete(m.attributes, "reason")
		delete(m.attributes, "detail")
		w.waiting[queue] = append(w.waiting[queue], m)
	}
	w.letters = kept
	return w.redriven > before
}

// begin subscribes and publishes.
func (w *walk) begin(tenant, url string) {
	w.waiting = make(map[string][]*message)
	w.begun, w.path = w.now, "gone"
	if w.shut {
		w.path = "shut"
	}
	held, err := w.hooks.Create(w.t.Context(), webhooktest.Webhook(w.name, func(h *webhook.Webhook) {
		h.URL, h.Events = url+"/"+w.path, []event.Type{event.TrainingFailed}
	}), time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	w.held = held.Key()
	w.open(w.held)
	for i, body := range []string{
		published(tenant, w.name+"-small", "environment.created", `1`),
		published(tenant, w.name+"-large", "environment.created", strconv.Quote(strings.Repeat("x", 40_000))),
		published(w.name, w.name+"-held", "training.failed", `1`),
		published(tenant, w.name+"-poison", "no.such.type", `1`),
		published(tenant, w.name+"-small", "environment.created", `2`),
	} {
		w.waiting[eventsQueue] = append(w.waiting[eventsQueue], &message{
			id: w.name + strconv.Itoa(i), body: body, attributes: map[string]string{}, sentAt: w.now, at: w.now,
		})
	}
	w.faults.Set(w.fault)
}

// open opens the breaker of a webhook, so that its delivery is held back first,
// and then is the probe; or, where that is days away, makes its last attempt.
func (w *walk) open(key webhook.Key) {
	const enough = 100
	begun := w.now.Add(-time.Hour)
	if _, err := w.hooks.AddFailures(w.t.Context(), key, enough, begun); err != nil {
		w.t.Fatal(err)
	}
	at := w.now
	if w.shut {
		at = at.AddDate(0, 0, 7)
	}
	if opened, err := w.hooks.OpenBreaker(w.t.Context(), key, at); err != nil || !opened {
		w.t.Fatalf("the breaker is open: %t, %v", opened, err)
	}
}

func published(tenant, id, kind, data string) string {
	return fmt.Sprintf(`{"id":%q,"type":%q,"tenant_id":%q,"data":%s}`, id, kind, tenant, data)
}
