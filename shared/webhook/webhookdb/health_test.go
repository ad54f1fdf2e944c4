package webhookdb_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/webhook"
)

var noon = time.Date(2026, 1, 26, 12, 0, 0, 7_000_000, time.UTC)

// wantHealth compares the health of the stored webhook. Everything else must be
// as before.
func (b bundle) wantHealth(t *testing.T, before webhook.Webhook, want webhook.Health) {
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

// wantReport returns a function that fails the test unless a call reports want and no
// error.
func wantReport(t *testing.T, want bool) func(bool, error) {
	return func(got bool, err error) {
		t.Helper()
		if err != nil || got != want {
			t.Fatalf("reported %t, %v; want %t", got, err, want)
		}
	}
}

func TestMarkSlowWritesOncePerPeriod(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	w := b.create(t)
	wantReport(t, true)(b.MarkSlow(ctx, w, noon))
	wantReport(t, false)(b.MarkSlow(ctx, w, noon)) // another instance, which read the same health
	marked := webhook.Health{SlowSince: noon, SlowUntil: noon.Add(10 * time.Minute)}
	b.wantHealth(t, w, marked)

	w.Health = marked
	wantReport(t, false)(b.MarkSlow(ctx, w, noon.Add(8*time.Minute-time.Millisecond)))
	wantReport(t, true)(b.MarkSlow(ctx, w, noon.Add(8*time.Minute)))
	renewed := webhook.Health{SlowSince: noon, SlowUntil: noon.Add(18 * time.Minute)}
	b.wantHealth(t, w, renewed)

	w.Health = renewed
	later := noon.Add(time.Hour) // the mark has expired
	wantReport(t, true)(b.MarkSlow(ctx, w, later))
	b.wantHealth(t, w, webhook.Health{SlowSince: later, SlowUntil: later.Add(10 * time.Minute)})
}

func TestRecordSlowReportsAnotherAttempt(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	w := b.create(t)
	wantReport(t, false)(b.RecordSlow(ctx, w, noon))
	wantReport(t, true)(b.RecordSlow(ctx, w, noon))
	wantReport(t, true)(b.RecordSlow(ctx, w, noon.Add(webhook.SlowWindow-time.Millisecond)))
	wantReport(t, false)(b.RecordSlow(ctx, w, noon.Add(webhook.SlowWindow)))
	b.wantHealth(t, w, webhook.Health{})
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	w := b.create(t)
	failures := func(n int, at time.Time) webhook.Health {
		h, err := b.AddFailures(ctx, w, n, at)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	if h := failures(19, noon); h.Failures != 19 || !h.FailingSince.Equal(noon) {
		t.Fatalf("after 19 failures: %+v, want 19 since noon", h)
	}
	wantReport(t, false)(b.OpenBreaker(ctx, w, noon.Add(time.Hour))) // too few
	opened := noon.Add(10 * time.Minute)
	if h := failures(1, opened); !h.Tripped(opened) {
		t.Fatalf("after 20 failures: %+v, want it tripped", h)
	}
	wantReport(t, false)(b.OpenBreaker(ctx, w, opened.Add(-time.Millisecond))) // too soon
	wantReport(t, true)(b.OpenBreaker(ctx, w, opened))
	wantReport(t, false)(b.OpenBreaker(ctx, w, opened)) // another instance
	open := webhook.Health{Failures: 20, FailingSince: noon, OpenSince: opened, OpenUntil: opened.Add(time.Minute)}
	b.wantHealth(t, w, open)

	failing, probe := w, opened.Add(time.Minute)
	failing.Health = open
	var claims atomic.Int32
	var instances sync.WaitGroup
	for range 10 {
		instances.Go(func() {
			claimed, err := b.ClaimProbe(ctx, failing, probe)
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
	b.wantHealth(t, w, open)

	if err := b.Recover(ctx, w); err != nil {
		t.Fatal(err)
	}
	b.wantHealth(t, w, webhook.Health{})
	wantReport(t, false)(b.ClaimProbe(ctx, failing, probe))
}

// A change of the health must not prevent a Disable, which compares the revision.
func TestHealthKeepsTheRevision(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	w := b.create(t)
	if _, err := b.AddFailures(ctx, w, 3, noon); err != nil {
		t.Fatal(err)
	}
	renamed, err := b.Update(ctx, w.Key(), b.now, func(w webhook.Webhook) (webhook.Webhook, error) {
		w.Name = "another"
		return w, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b.wantHealth(t, renamed, webhook.Health{Failures: 3, FailingSince: noon})
	wantReport(t, true)(b.Disable(ctx, w.Key(), renamed.Revision, b.now))
}

func TestHealthDoesNotRecreateADeletedWebhook(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	w := b.create(t)
	if err := b.Delete(ctx, w.Key()); err != nil {
		t.Fatal(err)
	}
	wantReport(t, false)(b.MarkSlow(ctx, w, noon))
	wantReport(t, false)(b.ClaimProbe(ctx, w, noon))
	wantReport(t, false)(b.OpenBreaker(ctx, w, noon))
	if h, err := b.AddFailures(ctx, w, 1, noon); err != nil || h != (webhook.Health{}) {
		t.Errorf("AddFailures = %+v, %v, want the zero health", h, err)
	}
	if err := b.Recover(ctx, w); err != nil {
		t.Error(err)
	}
	found, unreadable := b.GetMany(ctx, []webhook.Key{w.Key()}, b.now)
	if len(unreadable) != 0 || len(found) != 0 {
		t.Errorf("found %v, %v, want no webhook", found, unreadable)
	}
}
