package webhookdb_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"webhooks/shared/webhook"
)

// update makes changes, one after the other, and returns the webhook after them.
func (b bundle) update(t *testing.T, w webhook.Webhook, changes ...func(webhook.Webhook) (webhook.Webhook, error)) webhook.Webhook {
	t.Helper()
	for _, change := range changes {
		var err error
		if w, err = b.Update(t.Context(), w.Key(), b.now, change); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// troubled returns a new webhook with an open breaker and a slow mark.
func (b bundle) troubled(t *testing.T) webhook.Webhook {
	t.Helper()
	ctx, w := t.Context(), b.create(t)
	if _, err := b.AddFailures(ctx, w, webhook.OpenAfter, noon.Add(-webhook.FailingFor)); err != nil {
		t.Fatal(err)
	}
	wantReport(t, true)(b.OpenBreaker(ctx, w, noon))
	wantReport(t, false)(b.RecordSlow(ctx, w, noon))
	wantReport(t, true)(b.MarkSlow(ctx, w, noon))
	return b.get(t, w.Key())
}

// moves are the changes that give a webhook a new address.
var moves = map[string][]func(webhook.Webhook) (webhook.Webhook, error){
	"another host":       {moveTo("https://other.example/webhook")},
	"another path":       {moveTo("https://receiver.example/other")},
	"there and back":     {moveTo("https://receiver.example/other"), moveTo("https://receiver.example/webhook")},
	"disabled":           {enable(false)},
	"disabled and again": {enable(false), enable(true)},
}

func TestANewAddressBeginsHealthy(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, changes := range moves {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			moved := b.update(t, b.troubled(t), changes...)
			b.wantHealth(t, moved, webhook.Health{})
			wantReport(t, false)(b.RecordSlow(t.Context(), moved, noon)) // the other was at the old address
		})
	}
}

func TestA410EndsWhatWasKnownOfTheAddress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.troubled(t)
	wantReport(t, true)(b.Disable(t.Context(), w.Key(), w.Revision, b.now))
	b.wantHealth(t, b.get(t, w.Key()), webhook.Health{})
}

func TestOtherChangesKeepTheHealth(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, change := range map[string]func(webhook.Webhook) (webhook.Webhook, error){
		"another name":    rename("other"),
		"the same URL":    moveTo("https://receiver.example/webhook"),
		"already enabled": enable(true),
		"another secret": func(w webhook.Webhook) (webhook.Webhook, error) {
			return webhook.Rotation{Secret: "another-secret", Overlap: webhook.SecretOverlap}.Apply(w, b.now)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := b.troubled(t)
			changed := b.update(t, w, change)
			if changed.Health != w.Health {
				t.Errorf("updated: %+v, want %+v", changed.Health, w.Health)
			}
			b.wantHealth(t, changed, w.Health)
		})
	}
}

// An attempt may end after the customer has changed the URL. What it has shown is about
// the old address.
func TestLateResultsOfAnOldAddressChangeNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	writes := map[string]func(ctx context.Context, old webhook.Webhook) (bool, error){
		"a slow attempt": func(ctx context.Context, old webhook.Webhook) (bool, error) {
			_, err := b.RecordSlow(ctx, old, noon.Add(webhook.SlowWindow))
			return false, err
		},
		"a slow mark": func(ctx context.Context, old webhook.Webhook) (bool, error) { return b.MarkSlow(ctx, old, noon) },
		"failures": func(ctx context.Context, old webhook.Webhook) (bool, error) {
			after, err := b.AddFailures(ctx, old, webhook.OpenAfter, noon.Add(-time.Hour))
			return after != webhook.Health{}, err
		},
		"an opening breaker": func(ctx context.Context, old webhook.Webhook) (bool, error) { return b.OpenBreaker(ctx, old, noon) },
		"a probe":            func(ctx context.Context, old webhook.Webhook) (bool, error) { return b.ClaimProbe(ctx, old, noon) },
		"a success":          func(ctx context.Context, old webhook.Webhook) (bool, error) { return false, b.Recover(ctx, old) },
	}
	for name, write := range writes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, changes := range moves {
				old := b.troubled(t)
				moved := b.update(t, old, changes...)
				before := b.raw(t, moved.ID)
				// The new address has no trouble, and then its own.
				wantReport(t, false)(write(t.Context(), old))
				if after := b.raw(t, moved.ID); !reflect.DeepEqual(before, after) {
					t.Errorf("before: %v\nafter: %v", before, after)
				}
				if _, err := b.AddFailures(t.Context(), moved, webhook.OpenAfter, noon.Add(-webhook.FailingFor)); err != nil {
					t.Fatal(err)
				}
				before = b.raw(t, moved.ID)
				wantReport(t, false)(write(t.Context(), old))
				if after := b.raw(t, moved.ID); !reflect.DeepEqual(before, after) {
					t.Errorf("with failures before: %v\nafter: %v", before, after)
				}
			}
		})
	}
}
