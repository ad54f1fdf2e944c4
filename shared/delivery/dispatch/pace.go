package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"webhooks/shared/apperr"
	"webhooks/shared/webhook"
)

// Slots stores which times are reserved for the attempts of webhooks with a rate limit.
type Slots interface {
	ReserveSlots(ctx context.Context, w webhook.Webhook, n int, now time.Time) (webhook.Slots, error)
}

const (
	// maxSlotWait is the longest time that an attempt waits for its slot in an
	// invocation. A queue delays by whole seconds, so deliveries come up to a second
	// early.
	maxSlotWait = time.Second
	// slotTimeout limits the reservation of slots.
	slotTimeout = time.Second
	// slotMargin is how long before its event expires the last slot of a delivery may be:
	// time for a late message and for clocks that differ.
	slotMargin = time.Hour
)

// reservation is the slots that a webhook needs, and then has, for a set of steps.
type reservation struct {
	webhook webhook.Webhook
	wanted  int
	slots   webhook.Slots
	err     error
	given   int
}

// steps returns the plan of in, in which the attempts of webhooks with a rate limit have
// slots. It makes one reservation for each of these webhooks, and no call for others.
func (d *Dispatcher) steps(ctx context.Context, in intake) []*step {
	now := d.Now()
	steps := plan(in, d.Schedule, now)
	reservations := d.wantedSlots(steps, now)
	var group errgroup.Group
	group.SetLimit(maxUpdates)
	for _, r := range reservations {
		group.Go(func() error {
			if panicked := d.Protect(ctx, "reserving slots", func() { d.reserve(ctx, r, now) }); panicked != nil {
				r.err = panicked
			}
			return nil
		})
	}
	_ = group.Wait() // each reservation has its own error
	return d.inSlots(steps, reservations, now, now.Add(d.slotWait(ctx)))
}

// reserve makes the reservation r.
func (d *Dispatcher) reserve(ctx context.Context, r *reservation, now time.Time) {
	ctx, cancel := context.WithTimeout(ctx, slotTimeout)
	defer cancel()
	r.slots, r.err = d.Slots.ReserveSlots(ctx, r.webhook, r.wanted, now)
	if busy(r.err) {
		r.err = fmt.Errorf("%w: %w", errNoSlot, r.err)
	}
}

// errNoSlot says that a reservation may succeed a minute later: the item of the webhook
// is written too fast, as one tenant's events may do.
var errNoSlot = errors.New("no slot can be reserved now")

// busy reports whether err says that DynamoDB is overloaded or did not answer in time.
func busy(err error) bool {
	return apperr.Is(err, apperr.TemporarilyUnavailable) || errors.Is(err, context.DeadlineExceeded)
}

// slotWait returns how long an attempt may wait for its slot without beginning too late.
func (d *Dispatcher) slotWait(ctx context.Context) time.Duration {
	last, has := d.lastStart(ctx)
	if !has {
		return maxSlotWait
	}
	return min(maxSlotWait, max(0, time.Until(last)))
}

// paced reports whether s is an attempt that begins in a slot. A probe does not, because
// there is one a minute, and neither does an attempt that a customer asked for.
func (s *step) paced() bool {
	return s.webhook.RateLimit > 0 && (s.action == makeAttempt || s.action == makeLast) && !s.delivery.Single
}

// waits reports whether s is an attempt that begins in a slot and has one. The slot of a
// delivery means nothing after the limit of its webhook has ended.
func (s *step) waits() bool { return s.paced() && s.delivery.Rate > 0 }

// wantedSlots returns the reservations to make: for each webhook the number of attempts
// that have no slot. It gives those up for which no slot is left while their event is
// kept. They reserve none: otherwise slots would be lost for ever while too many events
// come.
func (d *Dispatcher) wantedSlots(steps []*step, now time.Time) map[webhook.Key]*reservation {
	var wanted map[webhook.Key]*reservation
	for _, s := range steps {
		if !s.paced() || s.delivery.HasSlot(s.webhook.RateLimit, now) {
			continue
		}
		if d.expires(s, s.webhook.NextSlot, now) {
			s.action = giveUp
			continue
		}
		if wanted == nil {
			wanted = make(map[webhook.Key]*reservation)
		}
		if wanted[s.webhook.Key()] == nil {
			wanted[s.webhook.Key()] = &reservation{webhook: s.webhook}
		}
		wanted[s.webhook.Key()].wanted++
	}
	return wanted
}

// expires reports whether s would have to wait for slot for longer than the body of its
// event is kept. The delivery would become a dead letter, and one tenant's limit would
// raise the operator's alarm.
func (d *Dispatcher) expires(s *step, slot, now time.Time) bool {
	return slot.After(now.Add(maxSlotWait)) && slot.After(s.delivery.FirstDue().Add(d.Kept-slotMargin))
}

// inSlots returns steps, each attempt with its slot. It postpones the attempts whose
// slots are after latest. If the reservation failed, the delivery fails and comes
// again: a receiver that asked for a limit may not bear more, and nothing is lost.
func (d *Dispatcher) inSlots(steps []*step, reserved map[webhook.Key]*reservation, now, latest time.Time) []*step {
	for _, s := range steps {
		if !s.paced() {
			continue
		}
		if !s.delivery.HasSlot(s.webhook.RateLimit, now) {
			r := reserved[s.webhook.Key()]
			switch {
			case apperr.Is(r.err, apperr.WebhookNotFound):
				s.action = drop
			case r.err != nil:
				s.action, s.unready = fail, fmt.Errorf("reserve a slot: %w", r.err)
			case r.slots.Rate == 0: // the limit has ended meanwhile
				s.delivery.Rate = 0
			default:
				s.delivery = s.delivery.InSlot(r.slots.At(r.given), r.slots.Rate)
				r.given++
			}
		}
		switch {
		case !s.waits():
		case d.expires(s, s.delivery.Due, now):
			s.action = giveUp
		case s.delivery.Due.After(latest):
			s.action = postpone
		}
	}
	return steps
}

// awaitSlot waits until the slot of s, if it has one.
func (d *Dispatcher) awaitSlot(ctx context.Context, s *step) error {
	if !s.waits() {
		return nil
	}
	return d.Sleep(ctx, s.delivery.Due.Sub(d.Now()))
}

// Sleep waits for a time. It returns an error if ctx ends before.
func Sleep(ctx context.Context, wait time.Duration) error {
	slot := time.NewTimer(wait)
	defer slot.Stop()
	select {
	case <-slot.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for a slot: %w", ctx.Err())
	}
}
