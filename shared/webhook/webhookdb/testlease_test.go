package webhookdb_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"webhooks/shared/apperr"
	"webhooks/shared/testkit/faulttest"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/webhookdb"
)

// leaseItem is the item of a tenant's test lease.
const leaseItem = -2

var testStart = time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC)

// begin starts a test of a webhook of the tenant.
func (b bundle) begin(t *testing.T, id int64, now time.Time) webhookdb.TestLease {
	t.Helper()
	lease, err := b.BeginTest(t.Context(), webhook.Key{TenantID: tenant, ID: id}, now)
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

// refusedTest fails the test unless a test at now is refused with a reason and a wait.
func (b bundle) refusedTest(t *testing.T, id int64, now time.Time, reason apperr.Reason, wait time.Duration) {
	t.Helper()
	_, err := b.BeginTest(t.Context(), webhook.Key{TenantID: tenant, ID: id}, now)
	wantReason(t, err, reason)
	if e := apperr.From(err); e.RetryAfter != wait || e.Args[0] != int(wait.Seconds()) {
		t.Errorf("wait %v (%v), want %v", e.RetryAfter, e.Args, wait)
	}
}

func TestATenantRunsOneTestAtATime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	lease := b.begin(t, 1, testStart)
	for _, tt := range []struct {
		name        string
		after, wait time.Duration
	}{
		{name: "at once", after: 0, wait: 5 * time.Second},
		{name: "rounded up to seconds", after: 3500 * time.Millisecond, wait: 2 * time.Second},
		{name: "after the attempt must have ended", after: 5 * time.Second, wait: 10 * time.Second},
		{name: "just before the lease ends", after: webhook.TestLease - time.Millisecond, wait: time.Second},
		{name: "by an instance whose clock is behind", after: -10 * time.Second, wait: 5 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b.refusedTest(t, 2, testStart.Add(tt.after), apperr.TestUnderWay, tt.wait)
		})
	}
	if _, err := b.BeginTest(t.Context(), webhook.Key{TenantID: "globex", ID: 2}, testStart); err != nil {
		t.Errorf("another tenant: %v", err)
	}
	if err := b.EndTest(t.Context(), lease, testStart.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	b.begin(t, 2, testStart.Add(time.Second))
}

func TestOneOfManySimultaneousTestsBegins(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var wg sync.WaitGroup
	results := make([]error, 20)
	for n := range results {
		wg.Go(func() {
			_, results[n] = b.BeginTest(t.Context(), webhook.Key{TenantID: tenant, ID: int64(n + 1)}, testStart)
		})
	}
	wg.Wait()
	begun := 0
	for _, err := range results {
		if err == nil {
			begun++
			continue
		}
		wantReason(t, err, apperr.TestUnderWay)
	}
	if begun != 1 {
		t.Errorf("%d tests begin, want 1", begun)
	}
}

func TestATestThatNeverEndsBlocksOthersOnlyForItsLease(t *testing.T) {
	t.Parallel()
	b := setup(t)
	crashed := b.begin(t, 1, testStart)
	later := testStart.Add(webhook.TestLease)
	b.begin(t, 2, later)
	// A test that ends after its lease does not end that of the next test.
	if err := b.EndTest(t.Context(), crashed, later); err != nil {
		t.Fatal(err)
	}
	b.refusedTest(t, 3, later, apperr.TestUnderWay, 5*time.Second)
}

func TestAWrongClockDoesNotBlockTests(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.begin(t, 1, testStart.Add(time.Hour))
	b.begin(t, 1, testStart)
}

func TestAWebhookIsNotTestedTooOften(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if err := b.EndTest(t.Context(), b.begin(t, 1, testStart), testStart); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name        string
		after, wait time.Duration
	}{
		{name: "at once", after: 0, wait: 5 * time.Second},
		{name: "rounded up to seconds", after: 3500 * time.Millisecond, wait: 2 * time.Second},
		{name: "just before the interval ends", after: webhook.TestInterval - time.Millisecond, wait: time.Second},
		{name: "by an instance whose clock is behind", after: -4 * time.Second, wait: 5 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b.refusedTest(t, 1, testStart.Add(tt.after), apperr.TestedTooOften, tt.wait)
		})
	}
	// Tests of other webhooks in between do not shorten the interval.
	if err := b.EndTest(t.Context(), b.begin(t, 2, testStart.Add(time.Second)), testStart.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	b.refusedTest(t, 1, testStart.Add(2*time.Second), apperr.TestedTooOften, 3*time.Second)
	b.begin(t, 1, testStart.Add(webhook.TestInterval))
}

// A write whose response is lost is repeated, and must not refuse itself.
func TestALostResponseDoesNotRefuseItsOwnTest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.faults.Set(func(c faulttest.Call) (any, error) {
		if result, err := c.Make(); c.Operation != "UpdateItem" || err != nil {
			return result, err
		}
		return c.Make()
	})
	b.begin(t, 1, testStart)
	b.faults.Clear()
	b.refusedTest(t, 2, testStart, apperr.TestUnderWay, 5*time.Second)
}

func TestTheItemOfTestsStaysSmall(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.begin(t, 1000, testStart.Add(-time.Minute)) // crashed
	for id := range int64(20) {
		at := testStart.Add(time.Duration(id) * 2 * time.Second)
		if err := b.EndTest(t.Context(), b.begin(t, id+1, at), at); err != nil {
			t.Fatal(err)
		}
	}
	var marks []string
	for name := range b.raw(t, leaseItem) {
		if strings.HasPrefix(name, "tested_at#") {
			marks = append(marks, name)
		}
	}
	slices.Sort(marks)
	if want := []string{"tested_at#18", "tested_at#19", "tested_at#20"}; !slices.Equal(marks, want) {
		t.Errorf("the item has %v, want %v", marks, want)
	}
}

func TestTestsDoNotChangeWebhooks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.create(t)
	before := b.raw(t, w.ID)
	if err := b.EndTest(t.Context(), b.begin(t, w.ID, testStart), testStart); err != nil {
		t.Fatal(err)
	}
	if after := b.raw(t, w.ID); !reflect.DeepEqual(before, after) {
		t.Errorf("the item was %v and is %v", before, after)
	}
	if list, err := b.List(t.Context(), tenant); err != nil || len(list) != 1 {
		t.Errorf("the list is %v, %v, want the webhook alone", list, err)
	}
	_, err := b.BeginTest(t.Context(), webhook.Key{TenantID: tenant, ID: 0}, testStart)
	wantReason(t, err, apperr.WebhookNotFound)
}

func TestFailedWritesOfTheTestLeaseAreErrors(t *testing.T) {
	t.Parallel()
	b, down := setup(t), errors.New("down")
	lease := b.begin(t, 1, testStart)
	b.faults.Fail("UpdateItem", down)
	if _, err := b.BeginTest(t.Context(), webhook.Key{TenantID: tenant, ID: 2}, testStart); !errors.Is(err, down) {
		t.Errorf("begin: %v", err)
	}
	if err := b.EndTest(t.Context(), lease, testStart); !errors.Is(err, down) {
		t.Errorf("end: %v", err)
	}
}
