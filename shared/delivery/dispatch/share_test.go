package dispatch_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/webhook"
)

// wave returns messages of one tenant to ten webhooks each. took says how long the attempts
// to a webhook take, by its number in the wave.
func (s *taking) wave(of string, messages int, took func(i int) time.Duration) []events.SQSMessage {
	var list []events.SQSMessage
	for n := range messages {
		var ids []int64
		for i := 10 * n; i < 10*n+10; i++ {
			id := int64(100 + i)
			s.takes(took(i), id)
			ids = append(ids, id)
		}
		list = append(list, s.event(n, of, ids...))
	}
	return list
}

func hangs(int) time.Duration { return 15 * time.Second }

// trickle sends n events to the fast webhook 1 of another tenant, one each trickleEvery.
func (s *taking) trickle(n int) {
	s.takes(100*time.Millisecond, 1)
	for i := range n {
		s.source.arrive(time.Duration(i)*trickleEvery, s.event(1000+i, tenant, 1))
	}
}

const trickleEvery = 200 * time.Millisecond

// checkTrickle checks that each of n such events is answered in time.
func (s *taking) checkTrickle(t *testing.T, n int, limit time.Duration) {
	t.Helper()
	for i := range n {
		sent := time.Duration(i) * trickleEvery
		if after := s.answered[fmt.Sprintf("evt_%d", 1000+i)] - sent; after < 0 || after > limit {
			t.Errorf("event %d of the other tenant is answered %v after it was sent, want at most %v", i, after, limit)
		}
	}
}

// Half of an invocation is enough for a tenant whose receivers hang.
func TestATenantThatHoldsHalfOfAnInvocationGoesToTheSlowLane(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newTaking(t)
		wave := s.wave("attacker", 20, hangs)
		s.source.arrive(0, wave[10:]...)
		s.trickle(10)
		if failed, _ := s.run(t, wave[:10]...); failed != nil || s.most > 60 {
			t.Errorf("failed %v, %d requests at once", failed, s.most)
		}
		if n := len(alone(t, s.slow)); n != 150 {
			t.Errorf("%d deliveries forwarded, want those of 200 that found no place", n)
		}
		s.checkTrickle(t, 10, 1100*time.Millisecond)
	})
}

// What is forwarded after its slot was reserved reserves no other one.
func TestADeliveryIsForwardedWithItsSlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, slots := newTaking(t), &slotsStub{rate: 2}
		s.webhooks[1] = func(w *webhook.Webhook) { w.RateLimit = slots.rate }
		s.Slots = slots
		s.source.arrive(0, s.event(1000, "attacker", 1))
		if failed, _ := s.run(t, s.wave("attacker", 10, hangs)...); failed != nil {
			t.Fatal(failed)
		}
		if d := alone(t, s.slow)[1]; d.Rate != slots.rate || len(slots.calls) != 1 {
			t.Errorf("forwarded %+v after reservations of %v", d, slots.calls)
		}
	})
}

// One place at which fast receivers take turns must not keep an invocation from taking
// the messages of others.
func TestATenantWhoseReceiversHangInPartDoesNotHoldUpOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newTaking(t)
		given := s.wave("attacker", 10, func(i int) time.Duration {
			if i < 49 {
				return hangs(i)
			}
			return 350 * time.Millisecond
		})
		s.trickle(20)
		if failed, _ := s.run(t, given...); failed != nil {
			t.Errorf("failed %v", failed)
		}
		s.checkTrickle(t, 20, 1200*time.Millisecond)
	})
}

// A tenant whose receivers answer keeps its deliveries in the normal lane, however many
// there are. So do retries.
func TestABusyTenantIsNotForwarded(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		attempt int
		took    time.Duration
	}{"healthy": {attempt: 1, took: 300 * time.Millisecond}, "retries": {attempt: 2, took: 5 * time.Second}}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newTaking(t)
				var given []events.SQSMessage
				for n := range 10 {
					var ids []int64
					for i := range 10 {
						id := int64(10*n + i + 1)
						s.takes(tt.took, id)
						ids = append(ids, id)
					}
					d := oneNow()
					d.Attempt, d.Event.ID = tt.attempt, fmt.Sprintf("evt_%d", n)
					given = append(given, message(d.EncodeTo(ids...)))
				}
				if failed, _ := s.run(t, given...); failed != nil || len(s.slow) != 0 || len(s.answered) != 10 {
					t.Errorf("failed %v, %d forwarded, answered %v", failed, len(s.slow), s.answered)
				}
			})
		})
	}
}
