package dispatch_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/webhook"
)

// hanging is a thousand webhooks of one tenant that hang, in messages of ten.
func hanging(s *taking) []events.SQSMessage {
	var list []events.SQSMessage
	for n := range 100 {
		var ids []int64
		for i := range 10 {
			id := int64(100 + 10*n + i)
			s.takes(15*time.Second, id)
			ids = append(ids, id)
		}
		list = append(list, s.event(1, "attacker", ids...))
	}
	return list
}

// Half of an invocation is enough for a tenant whose receivers hang.
func TestATenantThatHoldsHalfOfAnInvocationGoesToTheSlowLane(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newTaking(t)
		s.takes(100*time.Millisecond, 1)
		wave := hanging(s)
		s.source.arrive(0, wave[10:20]...)
		for n := range 10 {
			s.source.arrive(time.Duration(n)*200*time.Millisecond, s.event(1000+n, tenant, 1))
		}
		if failed, _ := s.run(t, wave[:10]...); failed != nil || s.most > 60 {
			t.Errorf("failed %v, %d requests at once", failed, s.most)
		}
		if n := len(alone(t, s.slow)); n != 150 {
			t.Errorf("%d deliveries forwarded, want those of 200 that found no place", n)
		}
		for n := range 10 {
			sent := time.Duration(n) * 200 * time.Millisecond
			if after := s.answered[fmt.Sprintf("evt_%d", 1000+n)] - sent; after < 0 || after > 1100*time.Millisecond {
				t.Errorf("event %d of the other tenant is answered %v after it was sent", n, after)
			}
		}
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
		if failed, _ := s.run(t, hanging(s)[:10]...); failed != nil {
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
		s.takes(100*time.Millisecond, 1)
		var given []events.SQSMessage
		for n := range 10 {
			var ids []int64
			for i := range 10 {
				id := int64(100 + 10*n + i)
				s.takes(350*time.Millisecond, id)
				if 10*n+i < 49 {
					s.takes(15*time.Second, id)
				}
				ids = append(ids, id)
			}
			given = append(given, s.event(n, "attacker", ids...))
		}
		for n := range 20 {
			s.source.arrive(time.Duration(n)*200*time.Millisecond, s.event(1000+n, tenant, 1))
		}
		if failed, _ := s.run(t, given...); failed != nil {
			t.Errorf("failed %v", failed)
		}
		for n := range 20 {
			sent := time.Duration(n) * 200 * time.Millisecond
			if after := s.answered[fmt.Sprintf("evt_%d", 1000+n)] - sent; after < 0 || after > 1200*time.Millisecond {
				t.Errorf("event %d of the other tenant is answered %v after it was sent", n, after)
			}
		}
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
