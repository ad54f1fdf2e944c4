package dispatch_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"webhooks/shared/attemptlog"
	"webhooks/shared/delivery"
	"webhooks/shared/webhook"
)

// open opens the breaker of w and returns it as it is then.
func (b *bundle) open(t *testing.T, w webhook.Webhook) webhook.Webhook {
	t.Helper()
	if _, err := b.webhooks.AddFailures(t.Context(), w, webhook.OpenAfter, b.now.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if opened, err := b.webhooks.OpenBreaker(t.Context(), w, b.now); err != nil || !opened {
		t.Fatal(opened, err)
	}
	return b.get(t, w)
}

func (b *bundle) get(t *testing.T, w webhook.Webhook) webhook.Webhook {
	t.Helper()
	got, err := b.webhooks.Get(t.Context(), w.Key())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// update changes w as its owner does. It may run in a receiver.
func (b *bundle) update(ctx context.Context, t *testing.T, w webhook.Webhook, change func(*webhook.Webhook)) {
	t.Helper()
	if _, err := b.webhooks.Update(ctx, w.Key(), b.now, func(w webhook.Webhook) (webhook.Webhook, error) {
		change(&w)
		return w, nil
	}); err != nil {
		t.Error(err)
	}
}

func TestANewAddressGetsItsDeliveriesAtOnce(t *testing.T) {
	t.Parallel()
	requests := new(atomicCount)
	receiver := httptest.NewServer(answer(http.StatusOK, requests))
	t.Cleanup(receiver.Close)
	changes := map[string][]func(*webhook.Webhook){
		"another URL": {func(w *webhook.Webhook) { w.URL = receiver.URL + "/new" }},
		"off and on":  {func(w *webhook.Webhook) { w.Enabled = false }, func(w *webhook.Webhook) { w.Enabled = true }},
	}
	for name, list := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, slow := isolated(t)
			w := b.open(t, b.create(t, receiver.URL))
			if marked, err := b.webhooks.MarkSlow(t.Context(), w, b.now); err != nil || !marked {
				t.Fatal(marked, err)
			}
			held := b.to(w, 1)
			held.Held = true
			held = schedule(t).Hold(held, b.now)
			if err := b.retries.PutMany(t.Context(), []delivery.Delivery{held}, b.now)[0]; err != nil {
				t.Fatal(err)
			}
			for _, change := range list {
				b.update(t.Context(), t, w, change)
			}
			b.settle(t, b.to(w, 2))
			logs := b.written(t, w)
			if len(logs) != 1 || logs[0].Outcome != attemptlog.Delivered || len(slow.sent) != 0 {
				t.Errorf("logs %+v, %d forwarded", logs, len(slow.sent))
			}
			if rows := b.rows(t, held.Due); len(rows) != 1 {
				t.Errorf("%d rows, want the held delivery at its time", len(rows))
			}
		})
	}
}

// The attempt ends after its webhook has another URL.
func TestALateResultSaysNothingAboutTheNewAddress(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ status, failures int }{
		"failure": {http.StatusInternalServerError, 0},
		"success": {http.StatusOK, 7},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, _ := isolated(t)
			var w webhook.Webhook
			receiver := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				b.update(r.Context(), t, w, func(w *webhook.Webhook) { w.URL += "/new" })
				if tt.failures > 0 { // of the new address
					if _, err := b.webhooks.AddFailures(r.Context(), b.get(t, w), tt.failures, b.now); err != nil {
						t.Error(err)
					}
				}
				rw.WriteHeader(tt.status)
			}))
			defer receiver.Close()
			w = b.create(t, receiver.URL)
			if _, err := b.webhooks.AddFailures(t.Context(), w, 3, b.now); err != nil {
				t.Fatal(err)
			}
			b.settle(t, b.to(w, 1))
			if health := b.get(t, w).Health; health.Failures != tt.failures {
				t.Errorf("%+v, want %d failures", health, tt.failures)
			}
		})
	}
}

func TestASlowAttemptAtAnotherAddressIsNotTheFirstOfTwo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(t)
		l.status, l.takes = 200, 15*time.Second
		for range 3 {
			l.webhook.Address++
			l.handle(t, oneNow())
			time.Sleep(webhook.SlowWindow)
		}
		if l.health.marks.get() != 0 {
			t.Errorf("%d marks, want none", l.health.marks.get())
		}
		l.handle(t, oneNow())
		if l.health.marks.get() != 1 {
			t.Errorf("%d marks after two at one address, want one", l.health.marks.get())
		}
	})
}
