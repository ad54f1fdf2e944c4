// Package dispatch makes the attempts of deliveries and sees to what follows.
//
// The deliveries of a batch are independent of each other. Each attempt ends
// in a verdict, and then, in this order: its log is written, the next attempt
// is queued, the message is settled. A receiver's failure is business state
// and never a failure of the message; a finished attempt is never repeated
// because its log could not be written.
package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/metric"
	"webhooks/shared/aws/queue"
	"webhooks/shared/deadletter"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/event"
	"webhooks/shared/event/eventdb"
	"webhooks/shared/webhook"
)

// Webhooks is where the webhooks are, those that are enabled with their secrets.
type Webhooks interface {
	GetMany(ctx context.Context, keys []webhook.Key, now time.Time) (found map[webhook.Key]webhook.Webhook, unreadable map[webhook.Key]error, err error)
	Disable(ctx context.Context, key webhook.Key, revision int64, now time.Time) (bool, error)
}

// Events is where the bodies are that a delivery only refers to.
type Events interface {
	GetBody(ctx context.Context, key event.Key, hash event.Hash) ([]byte, error)
}

// Logs is where the logs of attempts go.
type Logs interface {
	Append(ctx context.Context, logs []attemptlog.Log) (failed []attemptlog.Log, err error)
}

// Retries keeps deliveries whose next attempt is further away than a queue can
// delay it.
type Retries interface {
	PutMany(ctx context.Context, deliveries []delivery.Delivery) []error
}

// Sender makes one HTTP request.
type Sender interface {
	Wake(now time.Time)
	Send(ctx context.Context, request attempt.Request) attempt.Result
}

// Queue is the queue of deliveries.
type Queue interface {
	Send(ctx context.Context, messages []queue.Message) []error
}

// DeadLetters is the queue of deliveries that can never be made.
type DeadLetters interface {
	Send(ctx context.Context, letters []deadletter.Letter) []error
}

// Dispatcher handles batches of the deliveries queue.
type Dispatcher struct {
	Log         *slog.Logger
	Webhooks    Webhooks
	Events      Events
	Logs        Logs
	Retries     Retries
	Sender      Sender
	Queue       Queue
	DeadLetters DeadLetters
	// SlowQueue is the queue of the slow lane and SlowQueueARN its name in the
	// messages that come from it. Without it there is one lane.
	SlowQueue    Queue
	SlowQueueARN string
	// Health is nil where nothing is to be remembered about receivers.
	Health   Health
	Schedule delivery.Schedule
	// AttemptTimeout is how long one attempt may take.
	AttemptTimeout time.Duration
	// MaxReceiveCount is that of the deliveries queue.
	MaxReceiveCount int
	Now             func() time.Time
	// Metrics gets one line per batch; nil measures nothing.
	Metrics *metric.Writer

	slow slowTracker
}

const (
	// reply is the time that is left to answer Lambda. When the invocation itself
	// runs out, all of its messages are received again, and with them those
	// whose attempts ended long ago: so every call of ours ends before it does.
	reply = 500 * time.Millisecond
	// bookkeeping is the time that an attempt must leave for its log and its next
	// attempt.
	bookkeeping = 2 * time.Second
	// queueing is the part of bookkeeping that a hanging logs table cannot take:
	// in it, the log and the next attempt go to the queue.
	queueing = time.Second
	// wayRound is the part of queueing that a hanging queue or retries table cannot
	// take: in it, the next attempt goes to the other of the two.
	wayRound = 300 * time.Millisecond
)

// Handle makes the attempts of batch. It answers the messages that failed for
// a reason of ours and are to be received again; the list is never nil.
func (d *Dispatcher) Handle(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	ctx, cancel := before(ctx, reply)
	defer cancel()
	d.Sender.Wake(d.Now())
	tasks := make([]*task, 0, len(batch.Records))
	for _, record := range batch.Records {
		tasks = append(tasks, d.read(record))
	}
	d.findWebhooks(ctx, tasks)
	d.decide(tasks, d.Now())
	ends := make(chan *task, len(tasks))
	for _, t := range tasks {
		go func() {
			// The channel holds every task: a task that ends never waits.
			defer func() { ends <- t }()
			d.run(ctx, t)
		}()
	}
	d.settle(ctx, ends, len(tasks))
	response := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for _, t := range tasks {
		if t.err != nil {
			d.Log.ErrorContext(ctx, "message failed and will be received again", "message_id", t.record.MessageId,
				"event_id", t.delivery.Event.ID, "error", t.err.Error())
			response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: t.record.MessageId})
		}
	}
	d.survive(ctx, "writing numbers", func() { d.measure(tasks) })
	return response, nil
}

// before returns a context that ends margin before ctx does.
func before(ctx context.Context, margin time.Duration) (context.Context, context.CancelFunc) {
	deadline, has := ctx.Deadline()
	if !has {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-margin))
}

// findWebhooks reads the webhooks of all deliveries as they are now.
func (d *Dispatcher) findWebhooks(ctx context.Context, tasks []*task) {
	var keys []webhook.Key
	for _, t := range tasks {
		if t.pending() {
			keys = append(keys, t.delivery.Webhook)
		}
	}
	if len(keys) == 0 {
		return
	}
	found, unreadable, err := d.Webhooks.GetMany(ctx, keys, d.Now())
	for _, t := range tasks {
		if !t.pending() {
			continue
		}
		key := t.delivery.Webhook
		// One that cannot be opened now waits, and the others do not wait for it.
		if t.err = err; err == nil {
			t.err = unreadable[key]
		}
		if w, exists := found[key]; exists {
			t.webhook = &w
		}
	}
}

// run makes the attempt of t if there is one to make.
func (d *Dispatcher) run(ctx context.Context, t *task) {
	defer func() {
		if p := recover(); p != nil {
			// An attempt that has its log was made: it is not made again.
			if t.log == nil {
				t.err = fmt.Errorf("panic: %v", p)
			}
			d.Log.ErrorContext(ctx, "panic in a delivery", "message_id", t.record.MessageId, "stack", string(debug.Stack()))
		}
	}()
	switch {
	case !t.pending() || d.early(t):
	case t.webhook == nil:
		// Deleted: nobody is left who wants it or could see a log.
	case !t.webhook.Enabled:
		t.log = newLog(t.delivery, d.Now(), attemptlog.Skipped)
	case t.plan == planForward:
		t.forward = true
	case t.plan == planHold:
		d.hold(t)
	case t.plan == planProbe:
		d.probe(ctx, t)
	default:
		d.deliver(ctx, t)
	}
}

func (d *Dispatcher) tooLate(ctx context.Context) bool {
	deadline, has := ctx.Deadline()
	return has && time.Until(deadline) < d.AttemptTimeout+bookkeeping
}

// deliver makes the attempt of t and decides what follows.
func (d *Dispatcher) deliver(ctx context.Context, t *task) {
	body, err := d.body(ctx, t.delivery)
	if errors.Is(err, eventdb.ErrNotFound) {
		t.setAside(deadletter.BodyMissing, "the event's body is not stored: it has expired, or its fan-out never ended", t.delivery.Event.ID)
		return
	}
	if err != nil {
		t.err = err
		return
	}
	// Asked as late as possible: reading the body may have taken its time.
	if d.tooLate(ctx) {
		t.err = errors.New("too little time was left to start the attempt")
		return
	}
	start := d.Now()
	result, err := d.watched(ctx, t, func() (attempt.Result, error) {
		return d.send(ctx, *t.webhook, t.delivery.Event.ID, body, start)
	})
	if err != nil {
		t.err = err
		return
	}
	verdict := d.scheduleOf(t).Decide(t.delivery, result, d.Now())
	l := newLog(t.delivery, start, verdict.Outcome)
	record(l, result)
	l.NextAttemptAt = verdict.At
	t.log, t.made = l, true
	t.ended = endedBy(verdict, result)
	if !verdict.Next.IsZero() {
		next := t.delivery.Following(verdict)
		next.Slow = t.slow
		t.next = &next
	}
	t.gone = verdict.Disable
	d.logAttempt(ctx, *t.log, result, t.lane)
}

// scheduleOf returns the schedule of what follows the attempt of t: after a last
// one nothing does, whatever its number.
func (d *Dispatcher) scheduleOf(t *task) delivery.Schedule {
	if t.plan == planLast {
		return nil
	}
	return d.Schedule
}

func (d *Dispatcher) body(ctx context.Context, dl delivery.Delivery) ([]byte, error) {
	if dl.Body != nil {
		return dl.Body, nil
	}
	return d.Events.GetBody(ctx, dl.Event, dl.Hash)
}

// send makes one request. Its error is a failure of ours: the attempt was not
// made, or was cut off by the end of the invocation.
func (d *Dispatcher) send(ctx context.Context, w webhook.Webhook, eventID string, body []byte, at time.Time) (attempt.Result, error) {
	keys, err := w.SigningKeys(at)
	if err != nil {
		return attempt.Result{}, fmt.Errorf("read the secret of webhook %d: %w", w.ID, err)
	}
	result := d.Sender.Send(ctx, attempt.Request{URL: w.URL, ID: eventID, Time: at, Body: body, Keys: keys})
	if result.Failure == attempt.FailureInternal {
		return attempt.Result{}, fmt.Errorf("attempt for webhook %d: %w", w.ID, result.Err)
	}
	return result, nil
}
