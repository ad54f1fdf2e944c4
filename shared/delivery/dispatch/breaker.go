package dispatch

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"webhooks/shared/attemptlog"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/webhook"
)

// Health stores what attempts reveal about receivers, each about the address of the
// webhook as it was read: a write about another address changes nothing. All of it is
// best effort: an error never repeats an attempt, and at most delays one.
type Health interface {
	RecordSlow(ctx context.Context, w webhook.Webhook, now time.Time) (another bool, err error)
	MarkSlow(ctx context.Context, w webhook.Webhook, now time.Time) (bool, error)
	AddFailures(ctx context.Context, w webhook.Webhook, n int, now time.Time) (webhook.Health, error)
	OpenBreaker(ctx context.Context, w webhook.Webhook, now time.Time) (bool, error)
	ClaimProbe(ctx context.Context, w webhook.Webhook, now time.Time) (bool, error)
	Recover(ctx context.Context, w webhook.Webhook) error
}

const (
	// healthTimeout limits the update of a webhook's health.
	healthTimeout = time.Second
	// maxHealthUpdates is how many webhooks a flush updates at the same time.
	maxHealthUpdates = 8
)

// plan says what happens to a delivery. It is chosen before any request.
type plan int

const (
	planAttempt plan = iota // make the attempt
	planForward             // send the message to the slow lane
	planHold                // keep the delivery for later, without a request
	planProbe               // make the attempt if this task can claim the probe
	planLast                // make the last attempt, although the breaker is open
)

// decide chooses the plan of each delivery of a batch, from the webhook as it was
// read for the batch. When the breaker of a webhook is open and its next probe is
// due, only one delivery of the batch tries to claim the probe.
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
func (d *Dispatcher) decide(tasks []*task, now time.Time) {
	probing := make(map[webhook.Key]bool)
	for _, t := range tasks {
		if !t.pending() || t.webhook == nil {
			continue
		}
		health, key := t.webhook.Health, t.webhook.Key()
		open := d.Health != nil && health.Open() && !t.delivery.Single
		last := open && d.Schedule.Over(t.delivery, now)
		switch {
		case open && !last && (now.Before(health.OpenUntil) || probing[key]):
			t.plan = planHold
		case d.forwards(t, last, now):
			t.plan = planForward // a probe too: it may take 15 s
		case last:
			t.plan = planLast
		case open:
			t.plan = planProbe
		}
		probing[key] = probing[key] || open && !last
	}
}

// probe makes the attempt of t if t can claim the probe, and holds t back
// otherwise.
func (d *Dispatcher) probe(ctx context.Context, t *task) {
	if d.claim(ctx, t) {
		d.deliver(ctx, t)
	} else {
		d.hold(t)
	}
}

// claim claims the probe of t's webhook and reports whether it succeeded.
func (d *Dispatcher) claim(ctx context.Context, t *task) bool {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	claimed, err := d.Health.ClaimProbe(ctx, *t.webhook, d.Now())
	if err != nil {
		d.Log.WarnContext(ctx, "a probe could not be claimed",
			"tenant_id", t.webhook.TenantID, "webhook_id", t.webhook.ID, "error", err.Error())
	}
	return claimed && err == nil
}

// hold keeps the delivery of t for later, without a request and without using up
// its attempt. Only the first hold of an attempt writes a log.
func (d *Dispatcher) hold(t *task) {
	now := d.Now()
	held := d.Schedule.Hold(t.delivery, now)
	t.next = &held
	if !t.delivery.Held {
		t.log = newLog(t.delivery, now, attemptlog.Retrying)
		t.log.Failure, t.log.NextAttemptAt = string(attempt.FailureHeld), held.Due
	}
}

// observations are what the attempts of a flush reveal about one webhook.
type observations struct {
	webhook   webhook.Webhook
	failures  int
	succeeded bool
}

// recordHealth updates the health of the webhooks of a flush: one update for each
// webhook that fails, and none for a webhook that succeeds and was not failing
// before. Any success in a flush resets the streak of failures. If the breaker is
// open, as for every probe and last attempt, a success closes it and a failure
// changes nothing.
func (d *Dispatcher) recordHealth(ctx context.Context, tasks []*task) {
	byWebhook := make(map[webhook.Key]*observations)
	for _, t := range tasks {
		if t.observed == observedNothing {
			continue
		}
		o, known := byWebhook[t.webhook.Key()]
		if !known {
			o = &observations{webhook: *t.webhook}
			byWebhook[t.webhook.Key()] = o
		}
		if t.observed == observedSuccess {
			o.succeeded = true
		} else {
			o.failures++
		}
	}
	var group errgroup.Group
	group.SetLimit(maxHealthUpdates)
	for _, o := range byWebhook {
		group.Go(func() error {
			_ = d.Protect(ctx, "updating the health of a webhook", func() { d.updateHealth(ctx, *o) })
			return nil
		})
	}
	_ = group.Wait() // updateHealth logs its errors: no attempt is repeated for them
}

func (d *Dispatcher) updateHealth(ctx context.Context, o observations) {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	var err error
	switch {
	case o.succeeded && o.webhook.Health.Failing():
		err = d.Health.Recover(ctx, o.webhook)
	case !o.succeeded && !o.webhook.Health.Open():
		err = d.addFailures(ctx, o)
	}
	if err != nil {
		d.Log.WarnContext(ctx, "the health of a webhook could not be updated",
			"tenant_id", o.webhook.TenantID, "webhook_id", o.webhook.ID, "error", err.Error())
	}
}

// addFailures counts failures, and opens the breaker when they reach its limit.
func (d *Dispatcher) addFailures(ctx context.Context, o observations) error {
	now := d.Now()
	health, err := d.Health.AddFailures(ctx, o.webhook, o.failures, now)
	if err != nil || !health.Tripped(now) {
		return err
	}
	opened, err := d.Health.OpenBreaker(ctx, o.webhook, now)
	if opened {
		d.Log.InfoContext(ctx, "circuit breaker opened", "tenant_id", o.webhook.TenantID, "webhook_id", o.webhook.ID, "failures", health.Failures)
	}
	return err
}
