package dispatch

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"webhooks/shared/attemptlog"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/webhook"
)

// Health is where it is kept what attempts teach about receivers. All of it is
// best effort: an attempt is never repeated, and never refused for long, because
// of it.
type Health interface {
	RecordSlow(ctx context.Context, key webhook.Key, now time.Time) (another bool, err error)
	MarkSlow(ctx context.Context, w webhook.Webhook, now time.Time) (bool, error)
	AddFailures(ctx context.Context, key webhook.Key, n int, now time.Time) (webhook.Health, error)
	Open(ctx context.Context, key webhook.Key, now time.Time) (bool, error)
	ClaimProbe(ctx context.Context, key webhook.Key, read, now time.Time) (bool, error)
	Recover(ctx context.Context, key webhook.Key) error
}

const (
	// noting bounds one call to Health.
	noting = time.Second
	// notes is how many calls of a flush are under way at once.
	notes = 8
)

// plan is what is done with a delivery before there is any request.
type plan int

const (
	planAttempt plan = iota // make the attempt
	planForward             // send it to the slow lane
	planHold                // make a row of it
	planProbe               // make the attempt if nobody else probes
	planLast                // make the attempt, and no other one after it
)

// decide returns the plan of each delivery of a batch. The webhook of each is
// as it was read for the batch. Of the deliveries of an open webhook whose next
// probe is due only one is a candidate, so that a batch claims once.
//
// A delivery that somebody asked for (Single) is not held back: it is a customer
// who repaired a receiver and wants to see. In the slow lane nothing is
// forwarded, but a breaker is as open there as in the normal one.
//
// A delivery whose time is over is held no more and makes its last attempt,
// whatever the breaker says: nothing that was accepted is given up without a
// request. That lets through one request for each delivery, as spread out as their
// events came. It claims no probe: it would be made without one, too, and the
// claim is a write for each. Many may end together, to a receiver that is not
// expected to answer soon, so they are made in the slow lane.
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
		case d.laned() && t.lane == laneNormal && (health.Slow(now) || last):
			t.plan = planForward // also of a candidate: it may take 15 s
		case last:
			t.plan = planLast
		case open:
			t.plan = planProbe
		}
		probing[key] = probing[key] || open && !last
	}
}

// probe makes the attempt of t if it can claim it, and holds t back if not.
func (d *Dispatcher) probe(ctx context.Context, t *task) {
	if d.claim(ctx, t) {
		d.deliver(ctx, t)
	} else {
		d.hold(t)
	}
}

func (d *Dispatcher) claim(ctx context.Context, t *task) bool {
	ctx, cancel := context.WithTimeout(ctx, noting)
	defer cancel()
	claimed, err := d.Health.ClaimProbe(ctx, t.webhook.Key(), t.webhook.Health.OpenUntil, d.Now())
	if err != nil {
		d.Log.WarnContext(ctx, "a probe could not be claimed",
			"tenant_id", t.webhook.TenantID, "webhook_id", t.webhook.ID, "error", err.Error())
	}
	return claimed && err == nil
}

// hold makes a row of t, without a request and without using up its attempt. A
// log says so the first time; the row's returns in between are not news.
func (d *Dispatcher) hold(t *task) {
	now := d.Now()
	held := d.Schedule.Hold(t.delivery, now)
	t.next = &held
	if !t.delivery.Held {
		t.log = newLog(t.delivery, now, attemptlog.Retrying)
		t.log.Failure, t.log.NextAttemptAt = string(attempt.FailureHeld), held.Due
	}
}

// ending is what the attempts of a flush say about one webhook.
type ending struct {
	webhook   webhook.Webhook
	failures  int
	succeeded bool
}

// noteHealth writes down what the attempts of a flush taught: one update for
// each webhook that fails, none for one that succeeds and did so before. A
// failure of a flush that also has a success is not one in a row. The last attempt
// of a delivery teaches what any other does: its success closes an open breaker,
// and its failure is no news of one.
func (d *Dispatcher) noteHealth(ctx context.Context, tasks []*task) {
	endings := make(map[webhook.Key]*ending)
	for _, t := range tasks {
		if t.ended == endedNot {
			continue
		}
		e, known := endings[t.webhook.Key()]
		if !known {
			e = &ending{webhook: *t.webhook}
			endings[t.webhook.Key()] = e
		}
		if t.ended == endedWell {
			e.succeeded = true
		} else {
			e.failures++
		}
	}
	var group errgroup.Group
	group.SetLimit(notes)
	for _, e := range endings {
		group.Go(func() error {
			d.survive(ctx, "noting the health of a webhook", func() { d.noteEnding(ctx, *e) })
			return nil
		})
	}
	_ = group.Wait() // what fails is logged: it is no reason to repeat an attempt
}

func (d *Dispatcher) noteEnding(ctx context.Context, e ending) {
	ctx, cancel := context.WithTimeout(ctx, noting)
	defer cancel()
	var err error
	switch {
	case e.succeeded && e.webhook.Health.Failing():
		err = d.Health.Recover(ctx, e.webhook.Key())
	case !e.succeeded && !e.webhook.Health.Open():
		err = d.noteFailures(ctx, e)
	}
	if err != nil {
		d.Log.WarnContext(ctx, "the health of a webhook could not be noted",
			"tenant_id", e.webhook.TenantID, "webhook_id", e.webhook.ID, "error", err.Error())
	}
}

func (d *Dispatcher) noteFailures(ctx context.Context, e ending) error {
	now := d.Now()
	health, err := d.Health.AddFailures(ctx, e.webhook.Key(), e.failures, now)
	if err != nil || !health.Tripped(now) {
		return err
	}
	opened, err := d.Health.Open(ctx, e.webhook.Key(), now)
	if opened {
		d.Log.InfoContext(ctx, "webhook is held back", "tenant_id", e.webhook.TenantID, "webhook_id", e.webhook.ID, "failures", health.Failures)
	}
	return err
}
