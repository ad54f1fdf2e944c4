package webhookdb_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
	"webhooks/shared/webhook"
)

func TestDelete(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stays, goes := b.create(t), b.create(t)

	if err := b.Delete(t.Context(), goes.Key()); err != nil {
		t.Fatal(err)
	}
	_, err := b.Get(t.Context(), goes.Key())
	wantReason(t, err, apperr.WebhookNotFound)
	if d := diff(webhook.Index{stays.ID: stays.Mask()}, b.index(t)); d != "" {
		t.Errorf("index (-want +got):\n%s", d)
	}
	if got := b.count(t, tenant); got != "1" {
		t.Errorf("count = %s, want 1", got)
	}
	wantReason(t, b.Delete(t.Context(), goes.Key()), apperr.WebhookNotFound)
}

func TestDeleteFindsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.create(t)
	for name, key := range map[string]webhook.Key{
		"of an unknown id":          {TenantID: tenant, ID: 2},
		"of another tenant":         {TenantID: "globex", ID: 1},
		"behind the tenant's own 0": {TenantID: tenant, ID: 0},
	} {
		wantReason(t, b.Delete(t.Context(), key), apperr.WebhookNotFound)
		b.get(t, w.Key())
		if len(b.raw(t, 0)) == 0 {
			t.Fatalf("%s: item 0 is gone", name)
		}
	}
}

func TestDeleteMeetsAConflict(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.create(t)
	b.faults.FailTimes(2, "TransactWriteItems", canceled("None", "TransactionConflict"))
	if err := b.Delete(t.Context(), w.Key()); err != nil || b.pauses.Load() != 2 {
		t.Errorf("%v after %d pauses, want done after 2", err, b.pauses.Load())
	}
	b.faults.Fail("TransactWriteItems", canceled("None", "TransactionConflict"))
	wantReason(t, b.Delete(t.Context(), w.Key()), apperr.TemporarilyUnavailable)
}

func TestMarkTested(t *testing.T) {
	t.Parallel()
	const interval = 10 * time.Second
	start := time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC)
	b := setup(t)
	w := b.create(t)
	if err := b.MarkTested(t.Context(), w.Key(), interval, start); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		after time.Duration
		wait  time.Duration // 0: not refused
	}{
		{name: "at once", after: 0, wait: interval},
		{name: "a part of a second counts as one", after: 8500 * time.Millisecond, wait: 2 * time.Second},
		{name: "just before", after: interval - time.Millisecond, wait: time.Second},
		{name: "by a clock behind ours", after: -time.Hour, wait: interval},
		{name: "in time", after: interval, wait: 0},
	}
	for _, tt := range tests {
		err := b.MarkTested(t.Context(), w.Key(), interval, start.Add(tt.after))
		if tt.wait == 0 {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		wantReason(t, err, apperr.TestedTooOften)
		e := apperr.From(err)
		if e.RetryAfter != tt.wait || e.Args[0] != int(tt.wait.Seconds()) {
			t.Errorf("%s: wait %v (%v), want %v", tt.name, e.RetryAfter, e.Args, tt.wait)
		}
	}
	if got := b.get(t, w.Key()).Revision; got != w.Revision {
		t.Errorf("revision = %d: a test is no change", got)
	}
}

func TestMarkTestedFindsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.create(t)
	for _, key := range []webhook.Key{{TenantID: tenant, ID: 2}, {TenantID: "globex", ID: 1}, {TenantID: tenant, ID: 0}} {
		wantReason(t, b.MarkTested(t.Context(), key, time.Second, time.Now()), apperr.WebhookNotFound)
		if key.ID != 0 && len(b.raw(t, 2)) != 0 {
			t.Error("an item was made of a test")
		}
	}
}

func TestMarkTestedMeetsAConflict(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.create(t)
	b.faults.FailTimes(1, "UpdateItem", &types.TransactionConflictException{Message: aws.String("conflict")})
	if err := b.MarkTested(t.Context(), w.Key(), time.Second, time.Now()); err != nil || b.pauses.Load() != 1 {
		t.Errorf("%v after %d pauses, want done after one", err, b.pauses.Load())
	}
}
