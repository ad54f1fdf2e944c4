// Package dispatch makes the attempts of deliveries and records their results.
//
// It is a pipeline of values. A [Dispatcher] decodes messages (intake.go) and plans one
// step for each delivery (plan.go, a pure function). Attempts of webhooks with a rate
// limit get slots (pace.go). Each step that is carried out has one result (attempt.go).
// Then the results are settled (settle.go): the log of an attempt is written, its next
// attempt is queued and its message is settled, in this order. The health of receivers
// (health.go) and the metrics (metrics.go) are folds over the results. An invocation
// (invocation.go) connects these parts. Its messages come from Lambda, and from the queue
// itself while it waits (take.go). They differ in nothing but how they are deleted.
//
// Deliveries are independent of each other. A receiver's failure never fails a message.
// If the log of an attempt cannot be written, the attempt is still not repeated.
package dispatch

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/metric"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/delivery/inbound"
	"webhooks/shared/event"
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

// Logs stores the logs of attempts. Append returns the chunks that it could not write,
// with the ids that it has reserved for them.
type Logs interface {
	Append(ctx context.Context, chunks []attemptlog.Chunk) (unwritten []attemptlog.Chunk, err error)
}

// Retries stores deliveries whose next attempt is due later than a queue can
// delay a message, and others when the queue is down.
type Retries interface {
	PutMany(ctx context.Context, deliveries []delivery.Delivery, now time.Time) []error
}

// Sender makes one HTTP request, which takes at most Timeout.
type Sender interface {
	Wake(now time.Time)
	Timeout() time.Duration
	Send(ctx context.Context, request attempt.Request) attempt.Result
}

// Config has the parts of a [Dispatcher]. All are needed, except Metrics.
type Config struct {
	inbound.Consumer
	Webhooks Webhooks
	Events   Events
	Logs     Logs
	Retries  Retries
	Sender   Sender
	// Queue is the deliveries queue.
	Queue inbound.Queue
	// SlowQueue is the queue of the slow lane, and SlowQueueARN is the event source
	// of its messages.
	SlowQueue    inbound.Queue
	SlowQueueARN string
	// Source and SlowSource are the same queues, from which an invocation takes messages
	// beside Lambda. Visibility is their visibility timeout.
	Source, SlowSource Source
	Visibility         time.Duration
	Health             Health
	Slots              Slots
	Schedule           delivery.Schedule
	// Kept is how long the events table keeps a body.
	Kept time.Duration
	Now  func() time.Time
	// Sleep waits for the slot of an attempt. See [Sleep].
	Sleep func(ctx context.Context, wait time.Duration) error
	// Random returns a number in [0, 1).
	Random func() float64
	// Metrics gets one line for each invocation. nil writes no metrics.
	Metrics *metric.Writer
}

// Dispatcher handles batches of the deliveries queue and the slow queue.
type Dispatcher struct {
	Config
	slow slowTracker
}

// New returns a dispatcher with the parts in c.
func New(c Config) *Dispatcher { return &Dispatcher{Config: c} }

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

// reserve returns a context whose deadline is margin before the deadline of ctx.
func reserve(ctx context.Context, margin time.Duration) (context.Context, context.CancelFunc) {
	deadline, has := ctx.Deadline()
	if !has {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-margin))
}

// Handle makes the attempts of batch, and those of messages that it takes itself while it
// waits. Its response names the messages of batch that failed with our own error: Lambda
// receives them again.
func (d *Dispatcher) Handle(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	ctx, cancel := reserve(ctx, responseTime)
	defer cancel()
	d.Sender.Wake(d.Now())
	lane := d.laneOf(batch)
	given := make([]*message, 0, len(batch.Records))
	for _, record := range batch.Records {
		given = append(given, d.decode(ctx, lane, record))
	}
	v := d.newInvocation(d.newTaker(ctx, lane))
	v.begin(ctx, d.steps(ctx, d.intake(ctx, given)))
	v.run(ctx)
	_ = d.Protect(ctx, "writing metrics", func() { d.Metrics.Write(v.numbers.points()...) })
	return inbound.Response(given), nil
}
