package dispatch_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/webhook"
)

// slotsStub stores the slots of one webhook.
type slotsStub struct {
	rate  float64 // the stored limit
	next  time.Time
	calls []int // how many slots each call reserves
	err   error
}

func (s *slotsStub) ReserveSlots(_ context.Context, _ webhook.Webhook, n int, now time.Time) (webhook.Slots, error) {
	s.calls = append(s.calls, n)
	if s.err != nil {
		return webhook.Slots{}, s.err
	}
	if s.rate == 0 {
		return webhook.Slots{First: now}, nil
	}
	slots := webhook.Slots{First: now, Step: webhook.SlotTime(1, s.rate), Rate: s.rate}
	if s.next.After(now) {
		slots.First = s.next
	}
	s.next = slots.First.Add(webhook.SlotTime(n, s.rate))
	return slots, nil
}

// paced is the lanes of a webhook with a rate limit.
type paced struct {
	*lanes
	slots  *slotsStub
	stored []delivery.Delivery // rows of the retries table
	begun  time.Time

	mu    sync.Mutex
	times []time.Duration // of the requests, after begun
}

func newPaced(t *testing.T, rate float64) *paced {
	t.Helper()
	p := &paced{lanes: newLanes(t), slots: &slotsStub{rate: rate}, begun: time.Now()}
	p.webhook.RateLimit, p.status, p.Slots = rate, 200, p.slots
	p.Sender = senderFunc(func(context.Context, attempt.Request) attempt.Result {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.times = append(p.times, time.Since(p.begun))
		return attempt.Result{StatusCode: p.status}
	})
	p.Retries = retriesFunc(func(_ context.Context, list []delivery.Delivery) []error {
		p.stored = append(p.stored, list...)
		return allOf(len(list), nil)
	})
	return p
}

// events returns n first attempts, due now.
func (p *paced) events(n int) []delivery.Delivery {
	var list []delivery.Delivery
	for range n {
		list = append(list, oneNow())
	}
	return list
}

// settle handles deliveries, none of which may fail, and returns when requests were made.
func (p *paced) settle(t *testing.T, deliveries ...delivery.Delivery) []time.Duration {
	t.Helper()
	p.times = nil
	if failed := p.handle(t, deliveries...); failed != 0 {
		t.Fatalf("%d deliveries failed", failed)
	}
	slices.Sort(p.times)
	return p.times
}

// sent returns the messages in a queue, decoded, and empties it.
func sent(t *testing.T, messages *[]queue.Message) (list []delivery.Delivery, delays []time.Duration) {
	t.Helper()
	for _, m := range *messages {
		content, err := delivery.Decode([]byte(m.Body))
		if err != nil {
			t.Fatal(err)
		}
		list, delays = append(list, content.Deliveries...), append(delays, m.Delay)
	}
	*messages = nil
	return list, delays
}
