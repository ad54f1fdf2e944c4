package webhookdb_test

import (
	"testing"

	"webhooks/shared/apperr"
	"webhooks/shared/webhook"
)

func TestDelete(t *testing.T) {
	t.Parallel()
	b := setup(t)
	kept, deleted := b.create(t), b.create(t)

	if err := b.Delete(t.Context(), deleted.Key()); err != nil {
		t.Fatal(err)
	}
	_, err := b.Get(t.Context(), deleted.Key())
	wantReason(t, err, apperr.WebhookNotFound)
	if d := diff(webhook.Index{kept.ID: kept.Mask()}, b.index(t)); d != "" {
		t.Errorf("index (-want +got):\n%s", d)
	}
	if got := b.count(t, tenant); got != "1" {
		t.Errorf("count = %s, want 1", got)
	}
	wantReason(t, b.Delete(t.Context(), deleted.Key()), apperr.WebhookNotFound)
}

func TestDeleteReturnsNotFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.create(t)
	for name, key := range map[string]webhook.Key{
		"an unknown id":  {TenantID: tenant, ID: 2},
		"another tenant": {TenantID: "globex", ID: 1},
		"item 0":         {TenantID: tenant, ID: 0},
	} {
		wantReason(t, b.Delete(t.Context(), key), apperr.WebhookNotFound)
		b.get(t, w.Key())
		if len(b.raw(t, 0)) == 0 {
			t.Fatalf("%s: item 0 is gone", name)
		}
	}
}

func TestDeleteRetriesConflicts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w, another := b.create(t), b.create(t)
	b.faults.FailTimes(2, "TransactWriteItems", canceled("None", "TransactionConflict"))
	if err := b.Delete(t.Context(), w.Key()); err != nil || b.pauses.Load() != 2 {
		t.Errorf("%v after %d pauses, want success after 2", err, b.pauses.Load())
	}
	b.faults.Fail("TransactWriteItems", canceled("None", "TransactionConflict"))
	wantToWait(t, b.Delete(t.Context(), another.Key()), apperr.ChangedMeanwhile)
	b.faults.Fail("TransactWriteItems", canceled("None", "ProvisionedThroughputExceeded"))
	wantToWait(t, b.Delete(t.Context(), another.Key()), apperr.TemporarilyUnavailable)
}
