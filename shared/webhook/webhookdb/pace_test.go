package webhookdb_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
	"webhooks/shared/webhook"
)

func limited(rate float64) func(*webhook.Webhook) {
	return func(w *webhook.Webhook) { w.RateLimit = rate }
}

// limitTo is the update to another rate limit.
func limitTo(rate float64) func(webhook.Webhook) (webhook.Webhook, error) {
	return func(w webhook.Webhook) (webhook.Webhook, error) {
		w.RateLimit = rate
		return w, nil
	}
}

// reserve reserves n slots of w, as it was read, and returns them in seconds after noon.
func (b bundle) reserve(t *testing.T, w webhook.Webhook, n int, now time.Time) []float64 {
	t.Helper()
	slots, err := b.ReserveSlots(t.Context(), w, n, now)
	if err != nil {
		t.Fatal(err)
	}
	var list []float64
	for i := range n {
		list = append(list, slots.At(i).Sub(noon).Seconds())
	}
	return list
}

func TestSlotsFollowEachOther(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.create(t, limited(10))
	for _, tt := range []struct {
		name string
		n    int
		at   time.Time
		want []float64
	}{
		{"the first begin now", 3, noon, []float64{0, 0.1, 0.2}},
		{"others begin after them", 2, noon.Add(50 * time.Millisecond), []float64{0.3, 0.4}},
		{"another instance's clock is behind", 1, noon.Add(-time.Second), []float64{0.5}},
		{"at the end of the last one", 1, noon.Add(600 * time.Millisecond), []float64{0.6}},
		{"after a pause", 2, noon.Add(time.Minute), []float64{60, 60.1}},
	} {
		if got := b.reserve(t, b.get(t, w.Key()), tt.n, tt.at); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	if calls := b.faults.Calls("UpdateItem"); calls != 5 {
		t.Errorf("%d updates for five reservations", calls)
	}
}

// The webhook was read for the batch, and other instances have reserved since.
func TestSlotsFollowThoseReservedSinceTheWebhookWasRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.create(t, limited(0.5))
	var mu sync.Mutex
	var got []float64
	var instances sync.WaitGroup
	for range 10 {
		instances.Go(func() {
			list := b.reserve(t, w, 2, noon)
			mu.Lock()
			defer mu.Unlock()
			got = append(got, list...)
		})
	}
	instances.Wait()
	slices.Sort(got)
	for i := range got {
		if got[i] != 2*float64(i) {
			t.Fatalf("%v, want one each two seconds", got)
		}
	}
}

func TestSlotsOfFractionsAreNeverTooClose(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, rate := range []float64{0.1, 3, 999, 1000, 5.0 / 3} {
		w := b.create(t, limited(rate))
		first, err := b.ReserveSlots(t.Context(), w, 7, noon)
		if err != nil {
			t.Fatal(err)
		}
		second, err := b.ReserveSlots(t.Context(), w, 1, noon)
		if err != nil {
			t.Fatal(err)
		}
		exact := 7 / rate
		if took := second.First.Sub(first.First).Seconds(); took < exact-1e-9 || took > exact*1.001 || first.Rate != rate {
			t.Errorf("7 slots at %v take %v s, want %v", rate, took, exact)
		}
	}
}

func TestAnotherRateLimitCountsAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	old := b.create(t, limited(0.1))
	b.reserve(t, old, 100, noon) // until noon + 1,000 s
	now := noon.Add(time.Second)

	raised := b.update(t, old, limitTo(100))
	if got := b.reserve(t, raised, 2, now); !slices.Equal(got, []float64{1, 1.01}) {
		t.Errorf("at the new limit: %v", got)
	}
	slots, err := b.ReserveSlots(t.Context(), old, 1, now) // read before the change
	if err != nil || slots.Rate != 100 || slots.At(0).Sub(noon) != 1020*time.Millisecond {
		t.Errorf("by an instance that read the old limit: %+v, %v", slots, err)
	}
	b.update(t, old, limitTo(0))
	if slots, err = b.ReserveSlots(t.Context(), old, 1, now); err != nil || slots.Rate != 0 || !slots.At(0).Equal(now) {
		t.Errorf("after the limit ended: %+v, %v", slots, err)
	}
	if again := b.update(t, old, limitTo(0.1)); !again.NextSlot.IsZero() {
		t.Errorf("a new limit begins with the slot %v", again.NextSlot)
	}
}

func TestOtherChangesKeepTheSlots(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.create(t, limited(1))
	b.reserve(t, w, 5, noon)
	changed := b.update(t, w, rename("other"), moveTo("https://other.example/"), limitTo(1))
	if got := b.reserve(t, changed, 1, noon); !slices.Equal(got, []float64{5}) {
		t.Errorf("%v, want the sixth slot", got)
	}
}

func TestSlotsDoNotRecreateADeletedWebhook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.create(t, limited(1))
	if err := b.Delete(t.Context(), w.Key()); err != nil {
		t.Fatal(err)
	}
	_, err := b.ReserveSlots(t.Context(), w, 1, noon)
	wantReason(t, err, apperr.WebhookNotFound)
	if item := b.raw(t, w.ID); item != nil {
		t.Errorf("item %v", item)
	}
}

func TestReservationsRetryConflicts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.create(t, limited(1))
	b.faults.FailTimes(1, "UpdateItem", &types.TransactionConflictException{Message: aws.String("an update of the URL")})
	if got := b.reserve(t, w, 1, noon); !slices.Equal(got, []float64{0}) {
		t.Errorf("%v, want the first slot", got)
	}
	b.faults.Fail("UpdateItem", &types.ProvisionedThroughputExceededException{Message: aws.String("too much")})
	_, err := b.ReserveSlots(t.Context(), w, 1, noon)
	wantReason(t, err, apperr.TemporarilyUnavailable)
}
