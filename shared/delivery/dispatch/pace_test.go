package dispatch_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"webhooks/shared/apperr"
	"webhooks/shared/aws/metric"
	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery"
	"webhooks/shared/testkit/metrictest"
	"webhooks/shared/webhook"
)

const ms = time.Millisecond

func TestAttemptsBeginInTheirSlots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPaced(t, 5)
		if got, want := p.settle(t, p.events(4)...), []time.Duration{0, 200 * ms, 400 * ms, 600 * ms}; !slices.Equal(got, want) {
			t.Errorf("requests after %v, want %v", got, want)
		}
		if !slices.Equal(p.slots.calls, []int{4}) {
			t.Errorf("reservations of %v slots, want one for the batch", p.slots.calls)
		}
	})
}

// A delivery reserves once: it comes back with its slot, and in the second before it.
func TestADeliveryWithALaterSlotGoesBackAndKeepsIt(t *testing.T) {
	t.Parallel()
	for _, slow := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p, logs := newPaced(t, 2), metrictest.New()
			p.receivedInSlow, p.Metrics = slow, logs.Writer
			if got, want := p.settle(t, p.events(5)...), []time.Duration{0, 500 * ms, 1000 * ms}; !slices.Equal(got, want) {
				t.Errorf("requests after %v, want %v", got, want)
			}
			if numbers, _ := logs.Take(t); len(numbers[metric.Held]) != 0 || len(numbers[metric.FirstAttemptDelay]) != 0 {
				t.Errorf("numbers = %v: waiting for a slot is no hold and no delay", numbers)
			}
			lane := &p.normal
			if slow {
				lane = &p.slow
			}
			waiting, delays := sent(t, lane)
			if !slices.Equal(delays, []time.Duration{time.Second, time.Second}) || len(p.normal)+len(p.slow) != 0 {
				t.Fatalf("delays of %v, want the second before the slots; %d others", delays, len(p.normal)+len(p.slow))
			}
			if d := waiting[0]; d.Rate != 2 || d.Attempt != 1 || !d.Due.Equal(p.begun.Add(1500*ms)) || !d.FirstDue().Equal(p.begun) {
				t.Errorf("the message has %+v", d)
			}
			if got, want := p.settle(t, waiting[0]), []time.Duration{1500 * ms}; !slices.Equal(got, want) {
				t.Errorf("request after %v, want %v", got, want)
			}
			time.Sleep(3 * time.Second) // late, but not too late
			if got := p.settle(t, waiting[1]); !slices.Equal(got, []time.Duration{4500 * ms}) {
				t.Errorf("request after %v, want one at once", got)
			}
			if !slices.Equal(p.slots.calls, []int{5}) {
				t.Errorf("reservations of %v slots, want one", p.slots.calls)
			}
		})
	}
}

func TestASlotBeyondTheQueueIsStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPaced(t, 0.1)
		p.slots.next = p.begun.Add(queue.MaxDelay)
		p.settle(t, p.events(2)...)
		queued, delays := sent(t, &p.normal)
		if len(queued) != 1 || delays[0] != queue.MaxDelay || len(p.stored) != 1 || !p.stored[0].Due.Equal(p.begun.Add(queue.MaxDelay+10*time.Second)) {
			t.Errorf("queued %+v after %v, stored %+v", queued, delays, p.stored)
		}
	})
}

// It has not lost its place, and its message is as it was.
func TestADeliveryThatComesBackHoursBeforeItsSlotIsStoredAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPaced(t, 0.1)
		had := oneNow().InSlot(p.begun.Add(5*time.Hour), 0.1)
		if got := p.settle(t, had); len(got) != 0 || len(p.slots.calls) != 0 || len(p.stored) != 1 || !p.stored[0].Due.Equal(had.Due) {
			t.Errorf("requests after %v, reservations %v, stored %+v, want the same delivery", got, p.slots.calls, p.stored)
		}
	})
}

// The limit counts at once: nothing waits for a slot of the limit before.
func TestADeliveryThatComesBackHoursBeforeItsSlotCountsByTheNewLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPaced(t, 10)
		had := oneNow().InSlot(p.begun.Add(5*time.Hour), 0.1)
		if got := p.settle(t, had, had); !slices.Equal(got, []time.Duration{0, 100 * ms}) || len(p.stored) != 0 {
			t.Errorf("requests after %v, %d stored, want them in the slots of the new limit", got, len(p.stored))
		}
	})
}

func TestASlotIsReservedAnew(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*paced){
		"more than five seconds past": func(*paced) { time.Sleep(5001 * ms) },
		"under another limit":         func(p *paced) { p.webhook.RateLimit, p.slots.rate = 20, 20 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPaced(t, 10)
				had := oneNow().InSlot(p.begun, 10)
				change(p)
				p.slots.next = time.Now().Add(700 * ms)
				want := time.Since(p.begun) + 700*ms
				if got := p.settle(t, had); !slices.Equal(got, []time.Duration{want}) || len(p.slots.calls) != 1 {
					t.Errorf("request after %v, want %v; reservations %v", got, want, p.slots.calls)
				}
			})
		})
	}
}

// A limit that has ended ends the waiting for it, too.
func TestWithoutALimitADeliveryDoesNotWaitForItsSlot(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]float64{"read": 0, "not read yet": 10} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPaced(t, 0)
				p.webhook.RateLimit = read
				later := oneNow().InSlot(p.begun.Add(time.Hour), 0.1)
				later.Attempt = 2
				if got := p.settle(t, later); !slices.Equal(got, []time.Duration{0}) || len(p.normal)+len(p.stored) != 0 {
					t.Errorf("requests after %v, %d sent, %d stored, want one at once", got, len(p.normal), len(p.stored))
				}
			})
		})
	}
}

func TestWhatNeedsNoSlot(t *testing.T) {
	t.Parallel()
	open := func(p *paced, until time.Duration) {
		p.webhook.Health = webhook.Health{OpenSince: p.begun.Add(-time.Hour), OpenUntil: p.begun.Add(until)}
		p.health.health = p.webhook.Health
	}
	for name, tt := range map[string]struct {
		change   func(*paced, *delivery.Delivery)
		requests int
	}{
		"a resend":                    {func(_ *paced, d *delivery.Delivery) { d.Single = true }, 1},
		"a probe":                     {func(p *paced, _ *delivery.Delivery) { open(p, 0) }, 1},
		"what the breaker holds back": {func(p *paced, _ *delivery.Delivery) { open(p, time.Minute) }, 0},
		"what goes to the slow lane":  {func(p *paced, _ *delivery.Delivery) { p.webhook.Health.SlowUntil = p.begun.Add(time.Minute) }, 0},
		"a disabled webhook":          {func(p *paced, _ *delivery.Delivery) { p.webhook.Enabled = false }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, d := newPaced(t, 0.1), oneNow()
				tt.change(p, &d)
				if got := p.settle(t, d); len(got) != tt.requests || len(p.slots.calls) != 0 {
					t.Errorf("requests after %v, reservations %v, want %d and none", got, p.slots.calls, tt.requests)
				}
			})
		})
	}
}

func TestRetriesAndLastAttemptsHaveSlots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, retry, last := newPaced(t, 2), oneNow(), oneNow()
		p.status = 500
		retry.Attempt = 2
		p.settle(t, retry)
		if next, _ := sent(t, &p.normal); len(next) != 1 || next[0].Attempt != 3 || next[0].Rate != 0 {
			t.Errorf("after the attempt: %+v, want the next one without a slot", next)
		}
		p.webhook.Health.OpenSince, p.webhook.Health.OpenUntil = p.begun, p.begun.Add(time.Minute)
		last.Due, p.receivedInSlow = last.Due.Add(-200*time.Hour), true
		p.settle(t, last, last)
		if !slices.Equal(p.slots.calls, []int{1, 2}) || len(p.times) != 2 {
			t.Errorf("reservations %v, requests after %v", p.slots.calls, p.times)
		}
	})
}

// The receiver asked for the limit. One tenant's busy webhook is no error of the service,
// and its messages do not stay in flight for the visibility timeout.
func TestWithoutAReservationNoRequestIsMade(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err    error
		failed int
		sent   []time.Duration // the delays
		log    string          // the level of the line
	}{
		"DynamoDB is overloaded":      {apperr.New(apperr.TemporarilyUnavailable), 0, []time.Duration{time.Minute, time.Minute}, "WARN"},
		"DynamoDB did not answer":     {fmt.Errorf("reserve: %w", context.DeadlineExceeded), 0, []time.Duration{time.Minute, time.Minute}, "WARN"},
		"the service may not reserve": {errBroken, 2, nil, "ERROR"},
		"the webhook is deleted":      {apperr.New(apperr.WebhookNotFound), 0, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, log := newPaced(t, 10), new(lines)
				p.slots.err, p.Log = tt.err, slog.New(slog.NewJSONHandler(log, nil))
				failed := p.handle(t, p.events(2)...)
				if again, delays := sent(t, &p.normal); failed != tt.failed || len(p.times) != 0 || !slices.Equal(delays, tt.sent) {
					t.Errorf("%d failed, %d requests, sent %+v after %v, want %d failed", failed, len(p.times), again, delays, tt.failed)
				}
				for _, level := range []string{"WARN", "ERROR"} {
					if logged := log.contains(`"level":"` + level + `"`); logged != (level == tt.log) {
						t.Errorf("a line of level %s: %t; %s", level, logged, log.text.String())
					}
				}
			})
		})
	}
}

func TestAPanicOfAReservationFailsOnlyItsDeliveries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPaced(t, 10)
		p.Slots = noSlots{}
		if failed := p.handle(t, p.events(1)...); failed != 1 {
			t.Errorf("%d failed, want one", failed)
		}
	})
}

func TestOtherWebhooksDoNotWaitForSlots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, begun := newSeveral(t), time.Now()
		s.webhooks[1] = func(w *webhook.Webhook) { w.RateLimit = 0.1 }
		s.Slots = &slotsStub{rate: 0.1, next: begun.Add(time.Minute)}
		if response, err := s.Handle(t.Context(), batch(s.message(nil, 1, 2, 3))); err != nil || len(response.BatchItemFailures) != 0 {
			t.Fatal(response, err)
		}
		if got := s.requested(); !slices.Equal(got, []int64{2, 3}) || time.Since(begun) > time.Second {
			t.Errorf("requests to %v after %v, want to the others at once", got, time.Since(begun))
		}
		if waiting := alone(t, s.normal); len(waiting) != 1 || waiting[1].Rate != 0.1 {
			t.Errorf("sent back: %+v", waiting)
		}
	})
}

// Near its end, an invocation has no time to wait for a slot and make the attempt.
func TestAnInvocationThatEndsPostponesInsteadOfWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPaced(t, 2)
		ctx, cancel := context.WithTimeout(t.Context(), 18*time.Second) // of which an attempt may take 15
		defer cancel()
		d := oneNow()
		response, err := p.Handle(ctx, batch(message(d.Encode()), message(d.Encode()), message(d.Encode())))
		if err != nil || len(response.BatchItemFailures) != 0 {
			t.Fatal(response, err)
		}
		if waiting, delays := sent(t, &p.normal); len(p.times) != 2 || len(waiting) != 1 || delays[0] != 0 {
			t.Errorf("requests after %v, delays of %v", p.times, delays)
		}
	})
}
