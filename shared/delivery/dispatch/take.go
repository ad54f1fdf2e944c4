package dispatch

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/delivery/inbound"
)

// Source is a queue from which an invocation takes messages itself. See [queue.Source].
type Source interface {
	Receive(ctx context.Context, most int, wait, hidden time.Duration) ([]events.SQSMessage, error)
	Delete(ctx context.Context, handles []string) []error
	Hide(ctx context.Context, handles []string, hidden time.Duration) []error
}

// An invocation that waits for attempts takes more messages of its queue. Lambda does not:
// while as many invocations run as the mapping's MaximumConcurrency permits, it stops
// reading from the queue, so without this one slow receiver in each of them would hold
// up everybody.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
//
// A batch of fast receivers is over before the first poll. An idle stack polls nothing,
// because only an invocation with attempts under way polls.
const (
	// takeAfter is how long an invocation waits for attempts before it takes messages.
	takeAfter = 400 * time.Millisecond
	// longPollAfter is when polls begin to wait for messages themselves. The first poll
	// does not: it would keep an invocation whose attempts take half a second.
	longPollAfter = time.Second
	// longPoll is how long such a poll waits, and the pause after each failed poll but the
	// first.
	longPoll = time.Second
	// takeFor is the shortest time for which an invocation takes messages, if its deadline
	// leaves so much.
	takeFor = 20 * time.Second
	// finishTime is the part of responseTime that is left for deleting taken messages.
	finishTime = 200 * time.Millisecond
)

// taker decides when an invocation polls. Its fields belong to the goroutine of run.
type taker struct {
	lane   lane
	source Source // of this lane
	// until is the time by which the last poll must have ended. It is random: when many
	// receivers become slow at once, many invocations begin to take messages together, and
	// they should not all stop together.
	until time.Time
	// waitingSince is when the attempts began for which the invocation waits.
	waitingSince time.Time
	next         time.Time // the earliest time of the next poll
	polling      bool
	polled       chan polled
	failed       bool // a poll failed, and the log says so
}

// newTaker returns the taker of an invocation that begins now with a batch of lane.
// Without a deadline it takes nothing.
func (d *Dispatcher) newTaker(ctx context.Context, lane lane) *taker {
	t := &taker{lane: lane, source: d.Source, polled: make(chan polled)}
	if lane == laneSlow {
		t.source = d.SlowSource
	}
	last, has := d.lastStart(ctx)
	if !has {
		return t
	}
	t.until = last
	if enough := time.Now().Add(takeFor); last.After(enough) {
		t.until = enough.Add(time.Duration(d.Random() * float64(last.Sub(enough))))
	}
	return t
}

// wait notes that attempts begin while none is under way.
func (t *taker) wait(now time.Time) { t.waitingSince, t.next = now, now.Add(takeAfter) }

// patience returns how long a poll that begins now waits for messages.
func (t *taker) patience(now time.Time) time.Duration {
	if now.Before(t.waitingSince.Add(longPollAfter)) {
		return 0
	}
	return longPoll
}

// may reports whether a poll may be under way from now on.
func (t *taker) may(now time.Time) bool { return !now.Add(t.patience(now)).After(t.until) }

// ended notes the end of a poll. If it brought messages, there may be more.
func (t *taker) ended(now time.Time, p polled) {
	t.polling = false
	switch {
	case p.err != nil && !t.failed:
		// While Lambda froze the function, SQS may have closed the connection, and a poll is
		// not repeated by the SDK. Another one has a new connection.
		t.next = now
	case p.err != nil:
		t.next = now.Add(longPoll)
	case len(p.steps) > 0:
		t.next = now
	case t.next.Before(t.waitingSince.Add(longPollAfter)):
		t.next = t.waitingSince.Add(longPollAfter)
	default:
		t.next = now
	}
}

// polled is what a poll brought.
type polled struct {
	steps []*step
	err   error // why no messages could be taken
}

// poll takes up to most messages and plans their deliveries. It is not cancelled before
// the end of the invocation: what SQS handed out would stay hidden. Messages are hidden
// from others until this invocation has ended in any case. If its process dies, they are
// received again then.
func (d *Dispatcher) poll(ctx context.Context, lane lane, source Source, most int, wait time.Duration) (p polled) {
	panicked := d.Protect(ctx, "taking messages", func() {
		deadline, _ := ctx.Deadline()
		records, err := source.Receive(ctx, most, wait, time.Until(deadline)+responseTime+time.Second)
		if err != nil {
			p.err = err
			return
		}
		messages := make([]*message, 0, len(records))
		for _, record := range records {
			m := d.decode(ctx, lane, record)
			m.taken = true
			messages = append(messages, m)
		}
		if d.tooLate(ctx) {
			d.hide(ctx, source, messages, 0)
			return
		}
		p.steps = d.steps(ctx, d.intake(ctx, messages))
	})
	if panicked != nil {
		p.err = panicked
	}
	return p
}

// finish deletes the taken messages that are settled. One that failed is hidden as long
// as the queue hides those that Lambda gave: in an outage it would otherwise use up its
// receives in a few minutes, and become a dead letter. One that only came too late for
// this invocation is received again at once.
//
// It has finishTime of its own: a table that hung until the end of the invocation's time
// must not repeat attempts that are settled.
func (d *Dispatcher) finish(ctx context.Context, source Source, taken []*message) {
	deadline, _ := ctx.Deadline() // without one nothing is taken
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), deadline.Add(finishTime))
	defer cancel()
	var handles inbound.Outbox[*message, string] // of messages to delete
	var late, failed []*message
	for _, m := range taken {
		switch {
		case m.Err == nil:
			handles.Add(m, m.Record.ReceiptHandle)
		case errors.Is(m.Err, errTooLate):
			late = append(late, m)
		default:
			failed = append(failed, m)
		}
	}
	handles.Post(ctx, d.Consumer, "deleting messages", source.Delete, func(m *message, err error) {
		if err != nil {
			d.Log.WarnContext(ctx, "a taken message could not be deleted and will be received again", "message_id", m.Record.MessageId,
				"tenant_id", m.Subject.TenantID, "event_id", m.Subject.EventID, "error", err.Error())
		}
	})
	d.hide(ctx, source, late, 0)
	d.hide(ctx, source, failed, d.Visibility)
}

// hide hides messages for a time. If that fails, they are received again when this
// invocation has ended.
func (d *Dispatcher) hide(ctx context.Context, source Source, messages []*message, hidden time.Duration) {
	var handles inbound.Outbox[*message, string]
	for _, m := range messages {
		handles.Add(m, m.Record.ReceiptHandle)
	}
	send := func(ctx context.Context, list []string) []error { return source.Hide(ctx, list, hidden) }
	handles.Post(ctx, d.Consumer, "giving messages back", send, func(m *message, err error) {
		if err != nil {
			d.Log.WarnContext(ctx, "a taken message could not be given back; it is received again later", "message_id", m.Record.MessageId,
				"error", err.Error())
		}
	})
}
