package webhookdb_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
	"webhooks/shared/webhook"
)

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
		{name: "rounded up to seconds", after: 8500 * time.Millisecond, wait: 2 * time.Second},
		{name: "just before the interval ends", after: interval - time.Millisecond, wait: time.Second},
		{name: "by an instance whose clock is behind", after: -time.Hour, wait: interval},
		{name: "after the interval", after: interval, wait: 0},
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
		t.Errorf("revision = %d after tests, want %d", got, w.Revision)
	}
}

func TestMarkTestedReturnsNotFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.create(t)
	for _, key := range []webhook.Key{{TenantID: tenant, ID: 2}, {TenantID: "globex", ID: 1}, {TenantID: tenant, ID: 0}} {
		wantReason(t, b.MarkTested(t.Context(), key, time.Second, time.Now()), apperr.WebhookNotFound)
		if key.ID != 0 && len(b.raw(t, 2)) != 0 {
			t.Error("MarkTested created an item")
		}
	}
}

func TestMarkTestedRetriesConflicts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.create(t)
	b.faults.FailTimes(1, "UpdateItem", &types.TransactionConflictException{Message: aws.String("conflict")})
	if err := b.MarkTested(t.Context(), w.Key(), time.Second, time.Now()); err != nil || b.pauses.Load() != 1 {
		t.Errorf("%v after %d pauses, want success after one", err, b.pauses.Load())
	}
}
