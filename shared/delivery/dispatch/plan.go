package dispatch

import (
	"time"

	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery"
	"webhooks/shared/webhook"
)

// action says what happens to a delivery. It is chosen before any request.
type action int

const (
	makeAttempt action = iota // make the attempt
	makeProbe                 // make the attempt if this delivery can claim the probe
	makeLast                  // make the last attempt, although the breaker is open
	forward                   // send the delivery to the slow lane
	hold                      // keep the delivery for later, without a request
	postpone                  // send the delivery back, because its slot is later
	moveToTable               // store the delivery as a row of the retries table
	skip                      // write the log of a delivery to a disabled webhook
	giveUp                    // write the log of a delivery that has no slot while its event is kept
	drop                      // nothing: the webhook is deleted, so its owner cannot read a log
	fail                      // the webhook could not be read, or its slot not reserved
	settleOnly                // the message has no delivery: queued logs, or it was not decoded
)

// requests reports whether a may make a request.
func (a action) requests() bool { return a == makeAttempt || a == makeProbe || a == makeLast }

// step is what happens to one delivery. It does not change after [Dispatcher.steps] has
// returned it.
type step struct {
	message  *message
	delivery delivery.Delivery
	webhook  webhook.Webhook
	action   action
	unready  error // why the webhook could not be read, or its slot not reserved
}

// plan returns the step of each delivery, and one for a message without deliveries. It
// depends on the webhooks as they were read for the batch, the schedule and the time,
// and on nothing else.
func plan(in intake, schedule delivery.Schedule, now time.Time) []*step {
	steps := make([]*step, 0, len(in.messages))
	probing := make(map[webhook.Key]bool)
	for _, m := range in.messages {
		if len(m.deliveries) == 0 {
			steps = append(steps, &step{message: m, action: settleOnly})
		}
		for _, dl := range m.deliveries {
			s := &step{message: m, delivery: dl, unready: in.unreadable[dl.Webhook]}
			w, exists := in.webhooks[dl.Webhook]
			s.webhook = w
			switch {
			case s.unready != nil:
				s.action = fail
			case belongsInTable(dl, now):
				s.action = moveToTable
			case !exists:
				s.action = drop
			case !w.Enabled:
				s.action = skip
			default:
				s.action = choose(s, schedule, now, probing)
			}
			steps = append(steps, s)
		}
	}
	return steps
}

// choose returns the action of a delivery to an enabled webhook. When the breaker of
// the webhook is open and its next probe is due, only one delivery of the batch tries
// to claim the probe: probing has the webhooks that have one.
//
// A delivery that a customer asked for (Single) is never held back: the customer
// has repaired the receiver and wants to see the result. The slow lane forwards
// nothing, but an open breaker holds deliveries back there too.
//
// A delivery whose retry schedule is over makes its last attempt even if the
// breaker is open, so the breaker alone never gives a delivery up. The last attempt
// claims no probe: the claim is a write, and the attempt is made in any case. Last
// attempts come as fast as the events did, perhaps many at once, to a receiver that
// probably does not answer soon. So they are made in the slow lane.
func choose(s *step, schedule delivery.Schedule, now time.Time, probing map[webhook.Key]bool) action {
	health, key := s.webhook.Health, s.webhook.Key()
	open := health.Open() && !s.delivery.Single
	last := open && schedule.Over(s.delivery, now)
	held := open && !last && (now.Before(health.OpenUntil) || probing[key])
	if open && !last {
		probing[key] = true
	}
	switch {
	case held:
		return hold
	case s.message.lane == laneNormal && (health.Slow(now) || last):
		return forward // a probe too: it may take 15 s
	case last:
		return makeLast
	case open:
		return makeProbe
	}
	return makeAttempt
}

// belongsInTable reports whether dl is due later than a queue can delay it. Such a
// delivery is in the queue because the retries table did not accept it, and moves to the
// table without an attempt. First attempts are excluded: one that the breaker held is
// made now, or held again if the breaker is still open. So are deliveries with a slot,
// which may have ended with the rate limit.
func belongsInTable(dl delivery.Delivery, now time.Time) bool {
	return dl.Attempt > 1 && dl.Rate == 0 && dl.Due.After(now.Add(queue.MaxDelay))
}
