package dispatch

import (
	"context"
	"errors"
	"sync"
	"time"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/inbound"
)

// settled is a result whose writes have ended. During a flush, failure and stored
// change; afterwards they do not.
type settled struct {
	result
	failure  error // why the delivery must be received again; nil if everything was accepted
	requeued bool  // in spite of failure its message is settled: the delivery has one of its own
	stored   bool  // what follows became a row of the retries table
}

// flush settles results: it writes their logs, then queues what follows, then sends
// dead letters. It returns the failure of each.
func (d *Dispatcher) flush(ctx context.Context, results []result) []settled {
	list := make([]settled, 0, len(results))
	for _, r := range results {
		list = append(list, settled{result: r, failure: r.err})
	}
	unwritten := d.writeLogs(ctx, list)
	// One clock reading decides where each next attempt goes. With two readings, an
	// attempt at the limit could go to neither place.
	horizon := d.Now().Add(queue.MaxDelay)
	refused := d.sendFollowUps(ctx, list, unwritten, horizon)
	d.fallBack(ctx, list, horizon)
	d.rewriteLogs(ctx, list, refused)
	d.sendLetters(ctx, list)
	d.sendAlone(ctx, list)
	return list
}

// onFailure handles the error of a message that a queue did not accept.
type onFailure func(error)

func (f onFailure) settle(err error) {
	if err != nil {
		f(err)
	}
}

// sendFollowUps sends the next attempts of list to a queue or, if they are due
// after horizon, to the retries table. It returns the logs that the queue did not accept.
//
// The slow lane gets next attempts after a slow attempt, forwarded deliveries, and those
// that it has postponed itself. The normal queue gets the others, and unwritten logs. Only
// what a queue can delay goes to the slow lane: later attempts come back from the table to
// the normal lane, and [choose] decides again.
//
// The queues and the table are called at the same time, so that one that hangs does not
// delay the others.
func (d *Dispatcher) sendFollowUps(ctx context.Context, list []settled, logs []attemptlog.Chunk, horizon time.Time) (refused []refusedLogs) {
	ctx, cancel := reserve(ctx, fallbackTime)
	defer cancel()
	var normal, slow inbound.Outbox[onFailure, queue.Message]
	var far []*settled
	for i := range list {
		s := &list[i]
		fail := func(err error) { s.failure = err }
		switch {
		case s.failure != nil:
		case s.action == forward:
			slow.Add(fail, queue.Message{Body: s.alone(), Group: s.delivery.Webhook.TenantID})
		case s.next != nil && !s.next.Due.After(horizon):
			m := queue.Message{Body: s.next.Encode(), Delay: s.next.Delay(horizon.Add(-queue.MaxDelay)), Group: s.next.Webhook.TenantID}
			if s.slow || s.action == postpone && s.message.lane == laneSlow {
				slow.Add(fail, m)
			} else {
				normal.Add(fail, m)
			}
		case s.next != nil:
			far = append(far, s)
		}
	}
	for _, c := range logs {
		fail := func(err error) { refused = append(refused, refusedLogs{c, err}) }
		body, err := delivery.EncodeLogs(c)
		if err != nil {
			fail(err)
			continue
		}
		normal.Add(fail, queue.Message{Body: body, Delay: queuedLogDelay, Group: c.Webhook.TenantID})
	}
	var sends sync.WaitGroup
	sends.Go(func() { normal.Post(ctx, d.Consumer, "queueing messages", d.Queue.Send, onFailure.settle) })
	sends.Go(func() { slow.Post(ctx, d.Consumer, "queueing messages", d.SlowQueue.Send, onFailure.settle) })
	d.storeNext(ctx, far, horizon.Add(-queue.MaxDelay))
	sends.Wait()
	return refused
}

// alone returns the body of a message that carries the delivery of s and no other, with
// its slot.
func (s *settled) alone() string {
	if s.message.shared() || s.delivery.Rate != 0 {
		return s.delivery.Encode()
	}
	return s.message.Record.Body
}

// storeNext writes the next attempts of list to the retries table at now.
func (d *Dispatcher) storeNext(ctx context.Context, list []*settled, now time.Time) {
	var rows inbound.Outbox[*settled, delivery.Delivery]
	for _, s := range list {
		rows.Add(s, *s.next)
	}
	rows.Post(ctx, d.Consumer, "storing next attempts", d.putMany(now), func(s *settled, err error) {
		s.failure, s.stored = err, err == nil
	})
}

// putMany returns a function that stores deliveries in the retries table at now.
func (d *Dispatcher) putMany(now time.Time) func(context.Context, []delivery.Delivery) []error {
	return func(ctx context.Context, rows []delivery.Delivery) []error { return d.Retries.PutMany(ctx, rows, now) }
}

// sendLetters sends the dead letters: messages that could not be decoded, and
// deliveries without a body.
func (d *Dispatcher) sendLetters(ctx context.Context, list []settled) {
	var letters []*inbound.Message
	var owners []*settled
	for i := range list {
		s := &list[i]
		if s.refusal == nil && s.message.Letter == nil {
			continue
		}
		m := s.message.Message // a copy
		if s.refusal != nil {
			m.Record.Body = s.alone()
			m.Refuse(*s.refusal)
		}
		// The detail may quote the message, so only the dead letter has it.
		d.Log.WarnContext(ctx, "message set aside", "message_id", m.Record.MessageId, "tenant_id", m.Subject.TenantID,
			"event_id", m.Subject.EventID, "event_type", m.Subject.EventType, "reason", string(m.Letter.Reason))
		letters, owners = append(letters, &m), append(owners, s)
	}
	inbound.SendLetters(ctx, d.Consumer, letters)
	for i, m := range letters {
		owners[i].failure = m.Err
	}
}

// aloneDelay is how long a delivery waits at least that could not be settled with its
// message: what failed may recover.
const aloneDelay = time.Minute

// sendAlone gives each failed delivery of a message with several a message of its own.
// Otherwise all would be received again, and the attempts of the others repeated. A
// delivery without a slot gets another message too, because its own stays in flight for
// the visibility timeout, which is longer, and SQS limits how many may be in flight. The
// delivery continues where it was: if its attempt was made, with the next one, and not
// before this one is due. A delivery that the queue refuses waits in the retries table, as
// one that a breaker holds back.
func (d *Dispatcher) sendAlone(ctx context.Context, list []settled) {
	var messages inbound.Outbox[*settled, queue.Message]
	now := d.Now()
	for i := range list {
		s := &list[i]
		if s.failure == nil || !s.message.shared() && !errors.Is(s.failure, errNoSlot) {
			continue
		}
		m := queue.Message{Body: s.alone(), Delay: aloneDelay, Group: s.delivery.Webhook.TenantID}
		if s.next != nil {
			m.Body, m.Delay = s.next.Encode(), max(aloneDelay, s.next.Delay(now))
		}
		if errors.Is(s.failure, errTooLate) {
			m.Delay = 0
		}
		messages.Add(s, m)
	}
	var rows inbound.Outbox[*settled, delivery.Delivery]
	messages.Post(ctx, d.Consumer, "queueing deliveries alone", d.Queue.Send, func(s *settled, err error) {
		switch {
		case err == nil:
			d.requeued(ctx, s)
		case s.next == nil && !d.Schedule.Over(s.delivery, now): // the table has refused a next attempt already
			later := d.Schedule.Hold(s.delivery, now)
			later.Held = s.delivery.Held // no log says so
			rows.Add(s, later)
		}
	})
	rows.Post(ctx, d.Consumer, "storing deliveries alone", d.putMany(now), func(s *settled, err error) {
		if err == nil {
			d.requeued(ctx, s)
		}
	})
}

// requeued notes that the failed delivery of s comes again without its message.
func (d *Dispatcher) requeued(ctx context.Context, s *settled) {
	s.requeued = true
	d.Log.Log(ctx, level(s.failure), "delivery failed and is queued again", "tenant_id", s.delivery.Webhook.TenantID,
		"webhook_id", s.delivery.Webhook.ID, "event_id", s.delivery.Event.ID, "error", s.failure.Error())
}
