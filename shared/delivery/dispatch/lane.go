package dispatch

import (
	"context"
	"sync"
	"time"

	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/webhook"
)

// trackedWebhooks bounds how many webhooks a [slowTracker] knows at once. A
// webhook that is forgotten needs one slow attempt more to be marked.
const trackedWebhooks = 1000

// slowTracker counts the slow attempts in a row of each webhook, in one
// instance of the function. What other instances meet is known by the retry of a
// slow attempt, which says so, and by what is noted in the webhook (see markSlow):
// a receiver that answers 200 after 15 s causes no retry, and at a low rate no
// instance may meet it twice. The zero value knows nothing.
type slowTracker struct {
	mu     sync.Mutex
	streak map[webhook.Key]int
}

// slow counts a slow attempt and reports whether it is at least the second in a
// row. before says that the delivery's own last attempt was slow too.
func (s *slowTracker) slow(key webhook.Key, before bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.streak[key]
	if before {
		n = max(n, 1)
	}
	n = min(n+1, webhook.SlowInARow)
	if s.streak == nil {
		s.streak = make(map[webhook.Key]int)
	}
	if _, known := s.streak[key]; !known && len(s.streak) >= trackedWebhooks {
		for forgotten := range s.streak {
			delete(s.streak, forgotten)
			break
		}
	}
	s.streak[key] = n
	return n >= webhook.SlowInARow
}

// fast ends the row.
func (s *slowTracker) fast(key webhook.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streak, key)
}

// lane is the way by which a delivery came.
type lane string

const (
	laneNormal lane = "normal"
	laneSlow   lane = "slow"
	laneTest   lane = "test" // the test route
)

// laned reports whether there is a slow lane.
func (d *Dispatcher) laned() bool { return d.SlowQueue != nil }

// laneOf returns the lane of a message by the queue that it comes from.
func (d *Dispatcher) laneOf(arn string) lane {
	if d.laned() && arn == d.SlowQueueARN {
		return laneSlow
	}
	return laneNormal
}

// watched makes an attempt through send and sees to it that a slow one is
// counted while it still runs: the receiver may take five times as long to
// answer, and all that time the normal lane would go on to fill up with it.
func (d *Dispatcher) watched(ctx context.Context, t *task, send func() (attempt.Result, error)) (attempt.Result, error) {
	var noted sync.WaitGroup
	noted.Add(1)
	timer := time.AfterFunc(webhook.SlowAfter, func() {
		defer noted.Done()
		d.noteSlow(ctx, t)
	})
	defer timer.Stop() // send may panic
	result, err := send()
	switch {
	case !timer.Stop():
		noted.Wait() // it has a second at most, and began long ago
	case result.ResponseTime > webhook.SlowAfter:
		d.noteSlow(ctx, t)
	case err == nil:
		d.slow.fast(t.delivery.Webhook)
	}
	t.slow = result.ResponseTime > webhook.SlowAfter
	return result, err
}

// noteSlow notes a slow attempt. That it could not be noted is no reason to make
// the attempt again.
func (d *Dispatcher) noteSlow(ctx context.Context, t *task) {
	d.survive(ctx, "noting a slow attempt", func() { d.countSlow(ctx, t) })
}

// countSlow counts the slow attempt of t and marks its webhook at the second in
// a row. A marked webhook's mark is renewed by any slow attempt: when nearly all
// of its deliveries are held back, there is no second.
func (d *Dispatcher) countSlow(ctx context.Context, t *task) {
	inARow := d.slow.slow(t.delivery.Webhook, t.delivery.Slow)
	now := d.Now()
	marked := t.webhook.Health.Slow(now)
	if d.Health == nil || !d.laned() || now.Add(webhook.SlowRenewal).Before(t.webhook.Health.SlowUntil) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, noting)
	defer cancel()
	changed, err := d.markSlow(ctx, *t.webhook, now, marked || inARow)
	if err != nil {
		d.Log.WarnContext(ctx, "a slow webhook could not be marked",
			"tenant_id", t.webhook.TenantID, "webhook_id", t.webhook.ID, "error", err.Error())
		return
	}
	if changed {
		d.Log.InfoContext(ctx, "webhook is slow", "tenant_id", t.webhook.TenantID, "webhook_id", t.webhook.ID, "renewed", marked)
	}
}

// markSlow marks w if that is known to be due, or if another instance has a slow
// attempt at the same time: with many instances, none of them may have two.
func (d *Dispatcher) markSlow(ctx context.Context, w webhook.Webhook, now time.Time, due bool) (bool, error) {
	if !due {
		another, err := d.Health.RecordSlow(ctx, w.Key(), now)
		if err != nil || !another {
			return false, err
		}
	}
	return d.Health.MarkSlow(ctx, w, now)
}

// mail is what a flush sends to one queue, and who is told what failed.
type mail struct {
	messages []queue.Message
	failed   []func(error)
}

func (m *mail) add(message queue.Message, failed func(error)) {
	m.messages, m.failed = append(m.messages, message), append(m.failed, failed)
}

func (m *mail) send(ctx context.Context, d *Dispatcher, to Queue) {
	if len(m.messages) == 0 {
		return
	}
	for i, err := range d.post(ctx, to, m.messages) {
		if err != nil {
			m.failed[i](err)
		}
	}
}
