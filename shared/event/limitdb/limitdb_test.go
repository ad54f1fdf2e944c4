package limitdb_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"webhooks/shared/apperr"
	"webhooks/shared/event"
	"webhooks/shared/event/limitdb"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/faulttest"
)

var (
	limit = event.Limit{Rate: 20, Burst: 40}
	start = time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC)
)

// bundle is a table of its own, on which a test starts instances.
type bundle struct {
	client *dynamodb.Client
	faults *faulttest.Faults
	table  string
}

func setup(t *testing.T) bundle {
	t.Helper()
	faults := new(faulttest.Faults)
	return bundle{dynamodb.NewFromConfig(faults.Config(cloudtest.Config(t))), faults, cloudtest.Table(t, "EventsTable")}
}

// instance returns the store of another instance of the function.
func (b bundle) instance() *limitdb.Store { return limitdb.New(b.client, b.table, limit) }

// take fails the test unless s gives n tokens at a time after the start, or refuses them
// with a wait.
func take(t *testing.T, s *limitdb.Store, n int, after, wait time.Duration) {
	t.Helper()
	err := s.Take(t.Context(), "acme", n, start.Add(after))
	switch e := apperr.From(err); {
	case wait == 0:
		if err != nil {
			t.Errorf("%d events after %v: %v", n, after, err)
		}
	case !apperr.Is(err, apperr.PublishedTooFast) || e.RetryAfter != wait || e.Args[0] != int(wait.Seconds()):
		t.Errorf("%d events after %v: %v with a wait of %v, want %v", n, after, err, e.RetryAfter, wait)
	}
}

func TestATenantPublishesAtItsRateAndBurst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := b.instance()
	take(t, s, 25, 0, 0)
	take(t, s, 15, 0, 0)
	take(t, s, 1, 0, time.Second) // 50 ms, in whole seconds
	take(t, s, 40, 0, 2*time.Second)
	take(t, s, 2, 50*time.Millisecond, time.Second)
	take(t, s, 20, time.Second, 0) // exactly what has filled
	take(t, s, 1, time.Second, time.Second)
	take(t, s, 40, time.Hour, 0)
	take(t, s, 1, time.Hour, time.Second) // an hour fills no more than the burst
	if err := s.Take(t.Context(), "globex", 40, start); err != nil {
		t.Errorf("another tenant: %v", err)
	}
}

// A request that would pass after its wait passes then, whatever its size.
func TestTheWaitOfARefusedRequestIsEnough(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenants := 0
	rapid.Check(t, func(t *rapid.T) {
		tenants++
		s, tenant, now := b.instance(), "t"+start.Add(time.Duration(tenants)).Format("150405-000000000"), start
		for range rapid.IntRange(1, 8).Draw(t, "requests") {
			n := rapid.IntRange(1, limit.Burst).Draw(t, "events")
			now = now.Add(time.Duration(rapid.IntRange(0, 1000).Draw(t, "pause")) * time.Millisecond)
			err := s.Take(context.Background(), tenant, n, now)
			if err == nil {
				continue
			}
			now = now.Add(apperr.From(err).RetryAfter)
			if err := s.Take(context.Background(), tenant, n, now); err != nil {
				t.Fatalf("%d events are refused again after the advised wait: %v", n, err)
			}
		}
	})
}

func TestInstancesShareTheLimit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, second := b.instance(), b.instance()
	take(t, first, 30, 0, 0)
	take(t, second, 30, 0, time.Second)
	take(t, second, 10, 0, 0)
	take(t, first, 1, 0, time.Second)
}

func TestSimultaneousRequestsOfATenantGetItsTokensAndNoMore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var wg sync.WaitGroup
	var taken atomic.Int64
	for range 60 {
		wg.Go(func() {
			err := b.instance().Take(t.Context(), "acme", 1, start)
			if err == nil {
				taken.Add(1)
			} else if !apperr.Is(err, apperr.PublishedTooFast) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if taken.Load() != int64(limit.Burst) {
		t.Errorf("%d events of 60 pass, want %d", taken.Load(), limit.Burst)
	}
}

func TestARequestCostsOneWrite(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := b.instance()
	writes := func(name string, want int, call func()) {
		t.Helper()
		before := b.faults.Calls("UpdateItem")
		call()
		if got := b.faults.Calls("UpdateItem") - before; got != want {
			t.Errorf("%s: %d writes, want %d", name, got, want)
		}
	}
	writes("the first", 1, func() { take(t, s, 10, 0, 0) })
	writes("one soon after", 1, func() { take(t, s, 10, 0, 0) })
	writes("one when the bucket is full again", 1, func() { take(t, s, 10, time.Minute, 0) })
	writes("one of another instance", 2, func() { take(t, b.instance(), 30, time.Minute, 0) })
	writes("one after that", 1, func() { take(t, s, 1, time.Minute, time.Second) })
	writes("a refused one that was seen coming", 0, func() { take(t, s, 40, time.Minute, 2*time.Second) })
	writes("none", 0, func() { take(t, s, 0, time.Minute, 0) })
}

// A write whose response is lost is repeated, and must take its tokens once.
func TestALostResponseTakesTheTokensOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := b.instance()
	b.faults.Set(func(c faulttest.Call) (any, error) {
		if result, err := c.Make(); err != nil {
			return result, err
		}
		return c.Make()
	})
	take(t, s, 25, 0, 0) // a full bucket
	take(t, s, 5, 0, 0)  // one that is not
	b.faults.Clear()
	take(t, s, 10, 0, 0)
	take(t, s, 1, 0, time.Second)
}

func TestARequestLargerThanTheBurstIsRefusedForGood(t *testing.T) {
	t.Parallel()
	b := setup(t)
	err := b.instance().Take(t.Context(), "acme", limit.Burst+1, start)
	if e := apperr.From(err); e.Reason != apperr.TooManyEvents || e.RetryAfter != 0 || e.Args[0] != limit.Burst {
		t.Errorf("error %v with a wait of %v", err, e.RetryAfter)
	}
	take(t, b.instance(), limit.Burst, 0, 0) // it took no tokens
}

func TestARateOfZeroIsNoLimit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := limitdb.New(b.client, b.table, event.Limit{Rate: 0, Burst: 1})
	if err := s.Take(t.Context(), "acme", 1000, start); err != nil || b.faults.Calls("UpdateItem") != 0 {
		t.Errorf("%v after %d writes, want none", err, b.faults.Calls("UpdateItem"))
	}
}

func TestClocksThatDifferAreHarmless(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{"some seconds": 5 * time.Second, "an hour": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			take(t, b.instance(), 1, ahead, 0)
			// A clock that is wrong by much takes nothing from others.
			if ahead > time.Minute {
				take(t, b.instance(), 40, 0, 0)
				return
			}
			take(t, b.instance(), 40, ahead, time.Second)
			take(t, b.instance(), 1, 0, 4*time.Second)
		})
	}
}

// The bucket of an earlier deployment with a larger burst does not block the tenant.
func TestASmallerLimitAppliesAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	large := limitdb.New(b.client, b.table, event.Limit{Rate: 1, Burst: 10_000})
	if err := large.Take(t.Context(), "acme", 10_000, start); err != nil {
		t.Fatal(err)
	}
	take(t, b.instance(), 40, 0, 0)
}

func TestItemsExpireAfterTheirBucketIsFull(t *testing.T) {
	t.Parallel()
	b := setup(t)
	take(t, b.instance(), 40, 0, 0)
	out, err := b.client.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: &b.table, Key: map[string]types.AttributeValue{"event": &types.AttributeValueMemberS{Value: "#publish#acme"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := out.Item["ttl"].(*types.AttributeValueMemberN).Value, "1769425202"; got != want {
		t.Errorf("ttl = %s, want %s: an hour after the bucket is full", got, want)
	}
}

func TestFailuresAreErrors(t *testing.T) {
	t.Parallel()
	b, down := setup(t), errors.New("down")
	b.faults.Fail("UpdateItem", down)
	if err := b.instance().Take(t.Context(), "acme", 1, start); !errors.Is(err, down) {
		t.Errorf("error = %v", err)
	}
}
