package webhookdb_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
	"webhooks/shared/event"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
)

func rename(name string) func(webhook.Webhook) (webhook.Webhook, error) {
	return func(w webhook.Webhook) (webhook.Webhook, error) {
		w.Name = name
		return w, nil
	}
}

func enable(enabled bool) func(webhook.Webhook) (webhook.Webhook, error) {
	return func(w webhook.Webhook) (webhook.Webhook, error) {
		w.Enabled = enabled
		return w, nil
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	created := b.create(t)
	b.now = b.now.Add(time.Minute)

	want := created
	want.Name, want.URL, want.Secret = "新", "https://other.example/", "another-secret"
	want.PreviousSecrets = []webhook.PreviousSecret{{Secret: webhooktest.Secret, ExpiresAt: created.CreatedAt.Add(time.Hour)}}
	want.Events, want.Enabled, want.RateLimit = []event.Type{event.AlertTriggered}, false, 5.0/3
	want.Revision, want.Address, want.UpdatedAt = 2, 2, created.CreatedAt.Add(time.Minute)

	updated, err := b.Update(t.Context(), created.Key(), b.now, func(w webhook.Webhook) (webhook.Webhook, error) {
		changed := want
		changed.TenantID, changed.ID, changed.CreatedAt = "globex", 7, time.Time{} // ignored
		changed.Revision, changed.Address = 99, 99                                 // ignored
		return changed, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := diff(want, updated); d != "" {
		t.Errorf("updated (-want +got):\n%s", d)
	}
	if d := diff(want, b.get(t, created.Key())); d != "" {
		t.Errorf("read back (-want +got):\n%s", d)
	}
	if d := diff(webhook.Index{1: want.Mask()}, b.index(t)); d != "" {
		t.Errorf("index (-want +got):\n%s", d)
	}
}

func TestARateLimitIsKeptUntilItIsRemoved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.create(t, limited(0.1))
	for _, tt := range []struct {
		change func(webhook.Webhook) (webhook.Webhook, error)
		want   float64
	}{{rename("other"), 0.1}, {limitTo(1000), 1000}, {enable(false), 1000}, {limitTo(0), 0}, {rename("again"), 0}} {
		if updated := b.update(t, w, tt.change); updated.RateLimit != tt.want {
			t.Errorf("updated: %v, want %v", updated.RateLimit, tt.want)
		}
		if stored := b.get(t, w.Key()); stored.RateLimit != tt.want {
			t.Errorf("read back: %v, want %v", stored.RateLimit, tt.want)
		}
	}
	if _, has := b.raw(t, w.ID)["rate_limit"]; has {
		t.Error("a webhook without a limit has the attribute")
	}
}

func TestUpdateKeepsOtherAttributes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.create(t)
	b.set(t, w.ID, "of_a_later_release", &types.AttributeValueMemberN{Value: "1"})
	for _, change := range []func(webhook.Webhook) (webhook.Webhook, error){rename("other"), enable(false)} {
		if _, err := b.Update(t.Context(), w.Key(), b.now, change); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := b.raw(t, w.ID)["of_a_later_release"]; !ok {
		t.Error("an attribute is gone")
	}
}

func TestUpdateWritesTheIndexOnlyWhenItChanges(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.create(t)
	b.faults.Fail("TransactWriteItems", errors.New("item 0 was written"))
	if _, err := b.Update(t.Context(), w.Key(), b.now, rename("other")); err != nil {
		t.Error(err)
	}
}

func TestUpdateReturnsNotFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.create(t)
	for name, key := range map[string]webhook.Key{
		"an unknown id":  {TenantID: tenant, ID: 2},
		"another tenant": {TenantID: "globex", ID: 1},
		"item 0":         {TenantID: tenant, ID: 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := b.Update(t.Context(), key, b.now, rename("other"))
			wantReason(t, err, apperr.WebhookNotFound)
		})
	}
}

func TestUpdateReturnsTheErrorOfTheChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w, refused := b.create(t), errors.New("refused")
	_, err := b.Update(t.Context(), w.Key(), b.now, func(webhook.Webhook) (webhook.Webhook, error) { return webhook.Webhook{}, refused })
	if !errors.Is(err, refused) {
		t.Errorf("error = %v, want %v", err, refused)
	}
	if d := diff(w, b.get(t, w.Key())); d != "" {
		t.Errorf("the webhook changed (-want +got):\n%s", d)
	}
}

// Neither of two concurrent changes may be lost.
func TestUpdateRetriesAfterAnotherUpdate(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(webhook.Webhook) (webhook.Webhook, error){
		"without the index": rename("mine"),
		"with the index": func(w webhook.Webhook) (webhook.Webhook, error) {
			w.Name, w.Enabled = "mine", false
			return w, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			w, calls := b.create(t), 0
			got, err := b.Update(t.Context(), w.Key(), b.now, func(w webhook.Webhook) (webhook.Webhook, error) {
				if calls++; calls == 1 {
					_, err := b.Update(t.Context(), w.Key(), b.now, func(w webhook.Webhook) (webhook.Webhook, error) {
						w.URL = "https://theirs.example/"
						return w, nil
					})
					if err != nil {
						return w, err
					}
				}
				return change(w)
			})
			if err != nil {
				t.Fatal(err)
			}
			if got.Name != "mine" || got.URL != "https://theirs.example/" || got.Revision != 3 || calls != 2 {
				t.Errorf("after %d calls: %q, %q, revision %d, want both changes", calls, got.Name, got.URL, got.Revision)
			}
		})
	}
}

func TestUpdateRetriesConflicts(t *testing.T) {
	t.Parallel()
	conflict := &types.TransactionConflictException{Message: aws.String("conflict")}
	t.Run("of an update", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		w := b.create(t)
		b.faults.FailTimes(2, "UpdateItem", conflict)
		if got, err := b.Update(t.Context(), w.Key(), b.now, rename("other")); err != nil || got.Revision != 2 || b.pauses.Load() != 2 {
			t.Errorf("revision %d, %v after %d pauses", got.Revision, err, b.pauses.Load())
		}
	})
	t.Run("of a transaction", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		w := b.create(t)
		b.faults.FailTimes(2, "TransactWriteItems", canceled("None", "TransactionConflict"))
		if got, err := b.Update(t.Context(), w.Key(), b.now, enable(false)); err != nil || got.Revision != 2 || b.pauses.Load() != 2 {
			t.Errorf("revision %d, %v after %d pauses", got.Revision, err, b.pauses.Load())
		}
	})
	t.Run("but not forever", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		w := b.create(t)
		b.faults.Fail("UpdateItem", conflict)
		_, err := b.Update(t.Context(), w.Key(), b.now, rename("other"))
		wantReason(t, err, apperr.ChangedMeanwhile)
	})
}

func TestDisable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.create(t)

	if done, err := b.Disable(t.Context(), w.Key(), w.Revision+1, b.now); done || err != nil {
		t.Errorf("another revision: %v, %v, want no change", done, err)
	}
	if done, err := b.Disable(t.Context(), webhook.Key{TenantID: tenant, ID: 9}, 1, b.now); done || err != nil {
		t.Errorf("deleted webhook: %v, %v, want no change", done, err)
	}
	if !b.get(t, w.Key()).Enabled {
		t.Fatal("the webhook is disabled, want no change")
	}
	if done, err := b.Disable(t.Context(), w.Key(), w.Revision, b.now); !done || err != nil {
		t.Errorf("the current revision: %v, %v, want disabled", done, err)
	}
	got := b.get(t, w.Key())
	if got.Enabled || got.Revision != 2 || len(b.index(t).Match(event.EnvironmentCreated)) != 0 {
		t.Errorf("enabled %v, revision %d, index %v", got.Enabled, got.Revision, b.index(t))
	}
	if done, err := b.Disable(t.Context(), w.Key(), 2, b.now); done || err != nil {
		t.Errorf("disabled already: %v, %v, want no change", done, err)
	}
}

// A customer who enables the webhook while a 410 is in flight wins.
func TestDisableLosesToTheCustomer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	called := b.create(t)
	if _, err := b.Update(t.Context(), called.Key(), b.now, enable(true)); err != nil {
		t.Fatal(err)
	}
	if done, err := b.Disable(t.Context(), called.Key(), called.Revision, b.now); done || err != nil {
		t.Errorf("Disable = %v, %v, want no change", done, err)
	}
}
