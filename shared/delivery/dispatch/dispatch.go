// Package dispatch makes the attempts of deliveries and records their results.
//
// The deliveries of a batch are independent of each other. Each attempt ends in
// a verdict. Then its log is written, its next attempt is queued and its message
// is settled, in this order. A receiver's failure never fails the message. If the
// log of an attempt cannot be written, the attempt is still not repeated.
package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/metric"
	"webhooks/shared/deadletter"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/delivery/inbound"
	"webhooks/shared/event"
	"webhooks/shared/event/eventdb"
	"webhooks/shared/webhook"
)

// Webhooks stores webhooks. GetMany reads them, enabled ones with their secrets.
type Webhooks interface {
	GetMany(ctx context.Context, keys []webhook.Key, now time.Time) (found map[webhook.Key]webhook.Webhook, unreadable map[webhook.Key]error)
	Disable(ctx context.Context, key webhook.Key, revision int64, now time.Time) (bool, error)
}

// Events reads bodies that are too large for a delivery message.
type Events interface {
	GetBody(ctx context.Context, key event.Key, hash event.Hash) ([]byte, error)
}

// Logs stores the logs of attempts.
type Logs interface {
	Append(ctx context.Context, logs []attemptlog.Log) (failed []attemptlog.Log, err error)
}

// Retries stores deliveries whose next attempt is due later than a queue can
// delay a message, and others when the queue is down.
type Retries interface {
	PutMany(ctx context.Context, deliveries []delivery.Delivery) []error
}

// Sender makes one HTTP request.
type Sender interface {
	Wake(now time.Time)
	Send(ctx context.Context, request attempt.Request) attempt.Result
}

// Dispatcher handles batches of the deliveries queue and the slow queue.
type Dispatcher struct {
	inbound.Consumer
	Webhooks Webhooks
	Events   Events
	Logs     Logs
	Retries  Retries
	Sender   Sender
	// Queue is the deliveries queue.
	Queue inbound.Queue
	// SlowQueue is the queue of the slow lane, and SlowQueueARN is the event source
	// of its messages. Without a SlowQueue there is no slow lane.
	SlowQueue    inbound.Queue
	SlowQueueARN string
	// Health stores the health of receivers. It may be nil.
	Health   Health
	Schedule delivery.Schedule
	// AttemptTimeout limits one attempt.
	AttemptTimeout time.Duration
	Now            func() time.Time
	// Metrics gets one line for each batch. nil writes no metrics.
	Metrics *metric.Writer

	slow slowTracker
}

// Time that is reserved at the end of an invocation. When an invocation times
// out, Lambda receives all of its messages again, including those whose attempts
// are finished. So each step gets a deadline that leaves time for the next one.
const (
	// responseTime is reserved for the response to Lambda.
	responseTime = 500 * time.Millisecond
	// recordTime is reserved after an attempt to write its log and to queue its next
	// attempt.
	recordTime = 2 * time.Second
	// queueTime is the part of recordTime that is left for the queues when the logs
	// table hangs.
	queueTime = time.Second
	// fallbackTime is the part of queueTime that is left for the fallback when a
	// queue or the retries table hangs.
	fallbackTime = 300 * time.Millisecond
)

// Handle makes the attempts of batch. Its response names the messages that
// failed with our own error: Lambda receives them again.
func (d *Dispatcher) Handle(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	ctx, cancel := reserve(ctx, responseTime)
	defer cancel()
	d.Sender.Wake(d.Now())
	tasks := make([]*task, 0, len(batch.Records))
	for _, record := range batch.Records {
		tasks = append(tasks, d.decode(ctx, record))
	}
	d.readWebhooks(ctx, tasks)
	d.decide(tasks, d.Now())
	finished := make(chan *task, len(tasks))
	for _, t := range tasks {
		go func() {
			// The channel has room for every task, so no task blocks.
			defer func() { finished <- t }()
			d.run(ctx, t)
		}()
	}
	d.settle(ctx, finished, len(tasks))
	for _, t := range tasks {
		if t.Err != nil {
			d.Log.Log(ctx, t.Level(), "message failed and will be received again", "message_id", t.Record.MessageId,
				"tenant_id", t.Subject.TenantID, "event_id", t.Subject.EventID, "event_type", t.Subject.EventType, "error", t.Err.Error())
		}
	}
	_ = d.Protect(ctx, "writing metrics", func() { d.measure(tasks) })
	return inbound.Response(tasks), nil
}

// reserve returns a context whose deadline is margin before the deadline of ctx.
func reserve(ctx context.Context, margin time.Duration) (context.Context, context.CancelFunc) {
	deadline, has := ctx.Deadline()
	if !has {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-margin))
}

// readWebhooks reads the current webhooks of all deliveries.
func (d *Dispatcher) readWebhooks(ctx context.Context, tasks []*task) {
	var keys []webhook.Key
	for _, t := range tasks {
		if t.pending() {
			keys = append(keys, t.delivery.Webhook)
		}
	}
	if len(keys) == 0 {
		return
	}
	found, unreadable := d.Webhooks.GetMany(ctx, keys, d.Now())
	for _, t := range tasks {
		if !t.pending() {
			continue
		}
		key := t.delivery.Webhook
		t.Err = unreadable[key] // fails only the deliveries of its own webhook
		if w, exists := found[key]; exists {
			t.webhook = &w
		}
	}
}

// run carries out the plan of t.
func (d *Dispatcher) run(ctx context.Context, t *task) {
	panicked := d.Protect(ctx, "making an attempt", func() {
		switch {
		case !t.pending():
		case d.belongsInTable(t):
			t.next, t.moved = &t.delivery, true
		case t.webhook == nil:
			// The webhook is deleted, so its owner cannot read a log.
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
	}, "message_id", t.Record.MessageId)
	// A task that has a log may have made its attempt, which must not be repeated.
	if panicked != nil && t.log == nil {
		t.Err = panicked
	}
}

// tooLate reports whether too little time is left for an attempt.
func (d *Dispatcher) tooLate(ctx context.Context) bool {
	deadline, has := ctx.Deadline()
	return has && time.Until(deadline) < d.AttemptTimeout+recordTime
}

// deliver makes the attempt of t and decides what follows.
func (d *Dispatcher) deliver(ctx context.Context, t *task) {
	body, err := d.body(ctx, t.delivery)
	if errors.Is(err, eventdb.ErrNotFound) {
		t.Refuse(deadletter.Refusal{
			Reason: deadletter.BodyMissing,
			Detail: "the event's body is not stored: the event has expired, or its fan-out did not finish",
		})
		return
	}
	if err != nil {
		t.Err = err
		return
	}
	// Checked last, because reading the body takes time too.
	if d.tooLate(ctx) {
		t.Err = errors.New("too little time was left to start the attempt")
		return
	}
	start := d.Now()
	result, err := d.watchSlow(ctx, t, func() (attempt.Result, error) {
		// The connection may have been the reason why the attempt before failed.
		return d.send(ctx, *t.webhook, attempt.Request{ID: t.delivery.Event.ID, Time: start, Body: body, Fresh: t.delivery.Attempt > 1})
	})
	if err != nil {
		t.Err = err
		return
	}
	verdict := d.scheduleOf(t).Decide(t.delivery, result, d.Now())
	l := newLog(t.delivery, start, verdict.Outcome)
	addResult(l, result)
	l.NextAttemptAt = verdict.At
	t.log, t.attempted = l, true
	t.observed = observe(verdict, result)
	if !verdict.Next.IsZero() {
		next := t.delivery.Following(verdict)
		next.Slow = t.slow
		t.next = &next
	}
	t.gone = verdict.Disable
	d.logAttempt(ctx, *t.log, result, t.lane)
}

// scheduleOf returns the schedule of t. It is empty after a last attempt, which
// no other attempt follows.
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

// send makes request to w. An error is our own: the attempt was not made, or the end of
// the invocation interrupted it.
func (d *Dispatcher) send(ctx context.Context, w webhook.Webhook, request attempt.Request) (attempt.Result, error) {
	keys, err := w.SigningKeys(request.Time)
	if err != nil {
		return attempt.Result{}, fmt.Errorf("read the secret of webhook %d: %w", w.ID, err)
	}
	request.URL, request.Keys = w.URL, keys
	result := d.Sender.Send(ctx, request)
	if result.Failure == attempt.FailureInternal {
		return attempt.Result{}, fmt.Errorf("attempt for webhook %d: %w", w.ID, result.Err)
	}
	return result, nil
}
