package dispatch

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"webhooks/shared/attemptlog"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/delivery/inbound"
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
	// maxUpdates is how many webhooks a flush updates at the same time.
	maxUpdates = 8
)

// observation is what an attempt reveals about the health of its receiver.
type observation int

const (
	observedNothing observation = iota
	observedSuccess             // the receiver accepted the delivery
	observedFailure             // the receiver did not, and might refuse others
)

// observe returns the observation of an attempt. There is none when the receiver
// answered 410 or when its URL must not be called: the webhook is disabled, or
// its attempts fail without a request, so the breaker has nothing to hold back.
func observe(verdict delivery.Verdict, answer attempt.Result) observation {
	switch {
	case verdict.Outcome == attemptlog.Delivered:
		return observedSuccess
	case verdict.Disable || answer.Failure.Permanent():
		return observedNothing
	}
	return observedFailure
}

// observations are what the attempts of a flush reveal about one webhook.
type observations struct {
	webhook   webhook.Webhook
	failures  int
	succeeded bool
}

// observationsOf returns what results reveal about the health of webhooks: nothing while
// all of them are healthy.
func observationsOf(results []result) map[receiver]*observations {
	news := func(r result) bool {
		return r.observed == observedFailure || r.observed == observedSuccess && r.webhook.Health.Failing()
	}
	if !slices.ContainsFunc(results, news) {
		return nil
	}
	byReceiver := make(map[receiver]*observations)
	for _, r := range results {
		if r.observed == observedNothing {
			continue
		}
		o, known := byReceiver[receiverOf(r.webhook)]
		if !known {
			o = &observations{webhook: r.webhook}
			byReceiver[receiverOf(r.webhook)] = o
		}
		if r.observed == observedSuccess {
			o.succeeded = true
		} else {
			o.failures++
		}
	}
	return byReceiver
}

// recorder updates webhooks after attempts.
type recorder struct {
	inbound.Consumer
	health Health
	now    func() time.Time
}

func (d *Dispatcher) recorder() recorder { return recorder{d.Consumer, d.Health, d.Now} }

// record updates the health of the webhooks that observed names.
func (h recorder) record(ctx context.Context, observed map[receiver]*observations) {
	var group errgroup.Group
	group.SetLimit(maxUpdates)
	for _, o := range observed {
		group.Go(func() error {
			_ = h.Protect(ctx, "updating the health of a webhook", func() { h.update(ctx, *o) })
			return nil
		})
	}
	_ = group.Wait() // update logs its errors: no attempt is repeated for them
}

// update makes one update for a webhook that fails, and none for one that succeeds and
// was not failing before. Any success in a flush resets the streak of failures. If the
// breaker is open, as for every probe and last attempt, a success closes it and a
// failure changes nothing.
func (h recorder) update(ctx context.Context, o observations) {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	var err error
	switch {
	case o.succeeded && o.webhook.Health.Failing():
		err = h.health.Recover(ctx, o.webhook)
	case !o.succeeded && !o.webhook.Health.Open():
		err = h.addFailures(ctx, o)
	}
	if err != nil {
		h.Log.WarnContext(ctx, "the health of a webhook could not be updated",
			"tenant_id", o.webhook.TenantID, "webhook_id", o.webhook.ID, "error", err.Error())
	}
}

// addFailures counts failures, and opens the breaker when they reach its limit.
func (h recorder) addFailures(ctx context.Context, o observations) error {
	now := h.now()
	health, err := h.health.AddFailures(ctx, o.webhook, o.failures, now)
	if err != nil || !health.Tripped(now) {
		return err
	}
	opened, err := h.health.OpenBreaker(ctx, o.webhook, now)
	if opened {
		h.Log.InfoContext(ctx, "circuit breaker opened", "tenant_id", o.webhook.TenantID, "webhook_id", o.webhook.ID, "failures", health.Failures)
	}
	return err
}

// claim claims the probe of w and reports whether it succeeded.
func (h recorder) claim(ctx context.Context, w webhook.Webhook) bool {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	claimed, err := h.health.ClaimProbe(ctx, w, h.now())
	if err != nil {
		h.Log.WarnContext(ctx, "a probe could not be claimed",
			"tenant_id", w.TenantID, "webhook_id", w.ID, "error", err.Error())
	}
	return claimed && err == nil
}
