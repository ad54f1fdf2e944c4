package webhookdb_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
)

var noon = time.Date(2026, 1, 26, 12, 0, 0, 7_000_000, time.UTC)

func (b bundle) webhook(t *testing.T) webhook.Webhook {
	t.Helper()
	w, err := b.Create(t.Context(), webhooktest.Webhook(tenant), b.now)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// is reads the webhook and compares its health; all else must be as before.
func (b bundle) is(t *testing.T, before webhook.Webhook, want webhook.Health) {
	t.Helper()
	after, err := b.GetWithSecrets(t.Context(), before.Key(), b.now)
	if err != nil {
		t.Fatal(err)
	}
	before.Health = want
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("webhook (-want +got):\n%s", diff)
	}
}

// did fails unless a call answered want, without an error.
func did(t *testing.T, want bool) func(bool, error) {
	return func(got bool, err error) {
		t.Helper()
		if err != nil || got != want {
			t.Fatalf("answered %t, %v; want %t", got, err, want)
		}
	}
}

func TestMarkSlowIsOneWriteAPeriod(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	w := b.webhook(t)
	did(t, true)(b.MarkSlow(ctx, w, noon))
	did(t, false)(b.MarkSlow(ctx, w, noon)) // another instance that read the same
	marked := webhook.Health{SlowSince: noon, SlowUntil: noon.Add(10 * time.Minute)}
	b.is(t, w, marked)

	w.Health = marked
	did(t, false)(b.MarkSlow(ctx, w, noon.Add(8*time.Minute-time.Millisecond)))
	did(t, true)(b.MarkSlow(ctx, w, noon.Add(8*time.Minute)))
	renewed := webhook.Health{SlowSince: noon, SlowUntil: noon.Add(18 * time.Minute)}
	b.is(t, w, renewed)

	w.Health = renewed
	later := noon.Add(time.Hour) // it was fast in between
	did(t, true)(b.MarkSlow(ctx, w, later))
	b.is(t, w, webhook.Health{SlowSince: later, SlowUntil: later.Add(10 * time.Minute)})
}

func TestTwoSlowAttemptsAtOnceAreSeen(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	w := b.webhook(t)
	did(t, false)(b.RecordSlow(ctx, w.Key(), noon))
	did(t, true)(b.RecordSlow(ctx, w.Key(), noon))
	did(t, true)(b.RecordSlow(ctx, w.Key(), noon.Add(webhook.SlowWindow-time.Millisecond)))
	did(t, false)(b.RecordSlow(ctx, w.Key(), noon.Add(webhook.SlowWindow)))
	b.is(t, w, webhook.Health{})
}

func TestTheBreakersWay(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	w := b.webhook(t)
	failures := func(n int, at time.Time) webhook.Health {
		h, err := b.AddFailures(ctx, w.Key(), n, at)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	if h := failures(19, noon); h.Failures != 19 || !h.FailingSince.Equal(noon) {
		t.Fatalf("after 19 failures: %+v", h)
	}
	did(t, false)(b.Open(ctx, w.Key(), noon.Add(time.Hour))) // too few
	opened := noon.Add(10 * time.Minute)
	if h := failures(1, opened); !h.Tripped(opened) {
		t.Fatalf("after 20 failures: %+v", h)
	}
	did(t, false)(b.Open(ctx, w.Key(), opened.Add(-time.Millisecond))) // too soon
	did(t, true)(b.Open(ctx, w.Key(), opened))
	did(t, false)(b.Open(ctx, w.Key(), opened)) // another instance
	open := webhook.Health{Failures: 20, FailingSince: noon, OpenSince: opened, OpenUntil: opened.Add(time.Minute)}
	b.is(t, w, open)

	probe := opened.Add(time.Minute)
	var claims atomic.Int32
	var instances sync.WaitGroup
	for range 10 {
		instances.Go(func() {
			claimed, err := b.ClaimProbe(ctx, w.Key(), open.OpenUntil, probe)
			if err != nil {
				t.Error(err)
			}
			if claimed {
				claims.Add(1)
			}
		})
	}
	instances.Wait()
	if claims.Load() != 1 {
		t.Errorf("%d of ten instances claimed the probe, want one", claims.Load())
	}
	open.OpenUntil = probe.Add(time.Minute)
	b.is(t, w, open)

	if err := b.Recover(ctx, w.Key()); err != nil {
		t.Fatal(err)
	}
	b.is(t, w, webhook.Health{})
	did(t, false)(b.ClaimProbe(ctx, w.Key(), open.OpenUntil, probe))
}

// The revision counts the customer's changes: a 410 is about the webhook that
// was called, also when its receiver's health was noted since.
func TestHealthIsNoChangeOfTheWebhook(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	w := b.webhook(t)
	if _, err := b.AddFailures(ctx, w.Key(), 3, noon); err != nil {
		t.Fatal(err)
	}
	renamed, err := b.Update(ctx, w.Key(), b.now, func(w webhook.Webhook) (webhook.Webhook, error) {
		w.Name = "another"
		return w, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b.is(t, renamed, webhook.Health{Failures: 3, FailingSince: noon})
	did(t, true)(b.Disable(ctx, w.Key(), renamed.Revision, b.now))
}

func TestADeletedWebhookStaysDeleted(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	w := b.webhook(t)
	if err := b.Delete(ctx, w.Key()); err != nil {
		t.Fatal(err)
	}
	did(t, false)(b.MarkSlow(ctx, w, noon))
	did(t, false)(b.ClaimProbe(ctx, w.Key(), noon, noon))
	did(t, false)(b.Open(ctx, w.Key(), noon))
	if h, err := b.AddFailures(ctx, w.Key(), 1, noon); err != nil || h != (webhook.Health{}) {
		t.Errorf("AddFailures = %+v, %v", h, err)
	}
	if err := b.Recover(ctx, w.Key()); err != nil {
		t.Error(err)
	}
	found, _, err := b.GetMany(ctx, []webhook.Key{w.Key()}, b.now)
	if err != nil || len(found) != 0 {
		t.Errorf("found %v, %v: the notes brought it back", found, err)
	}
}
