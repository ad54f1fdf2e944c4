package dispatch_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery"
	"webhooks/shared/webhook"
)

// over returns the third attempt of event n, which was held until now, when its
// retry schedule is over.
func (f *fleet) over(t testing.TB, n int) delivery.Delivery {
	t.Helper()
	d := one(n)
	d.First, d.Due, d.Attempt, d.Held = f.now.Add(-schedule(t).Total()), f.now, 3, true
	return d
}

func TestTheLastAttemptOfAHeldDelivery(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		status  int
		outcome attemptlog.Outcome
		closes  bool
	}{
		{name: "it fails", status: http.StatusInternalServerError, outcome: attemptlog.Failed},
		{name: "the receiver is gone", status: http.StatusGone, outcome: attemptlog.Failed},
		{name: "it succeeds", status: http.StatusOK, outcome: attemptlog.Delivered, closes: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 1)
			f.open(t)
			f.health.health.OpenUntil = f.now.Add(time.Minute)
			before := f.health.read()
			f.status = tt.status
			d := f.over(t, 1)
			f.handleOnce(t, d)
			want := attemptlog.Log{
				TenantID: tenant, WebhookID: 1, EventID: "evt_1", EventType: d.Type, Trigger: attemptlog.Retry, Attempt: 3,
				Outcome: tt.outcome, StatusCode: tt.status, CreatedAt: f.now,
			}
			if diff := cmp.Diff([]attemptlog.Log{want}, f.logs); diff != "" || len(f.requests) != 1 || len(f.rows)+len(f.queued) != 0 {
				t.Errorf("%d requests, rows %v, queued %v, logs (-want +got):\n%s", len(f.requests), f.rows, f.queued, diff)
			}
			if tt.closes {
				before = webhook.Health{}
			}
			if diff := cmp.Diff(before, f.health.read()); diff != "" {
				t.Errorf("health (-want +got):\n%s", diff)
			}
		})
	}
}

// A last attempt leaves the probe to another delivery. A delivery whose schedule is
// not over is held.
func TestALastAttemptClaimsNoProbe(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	f.open(t)
	f.now = f.health.read().OpenUntil
	notOver := f.over(t, 2)
	notOver.First = notOver.First.Add(time.Millisecond)
	f.handleOnce(t, f.over(t, 1), f.event(3), notOver)
	if len(f.requests) != 2 || f.health.probes.get() != 1 || len(f.rows)+len(f.queued) != 2 {
		t.Errorf("%d requests, %d of them a probe, rows %v, queued %v: want a last attempt, a probe with its next attempt, and a held delivery",
			len(f.requests), f.health.probes.get(), f.rows, f.queued)
	}
}

// If the breaker is closed, an overdue delivery keeps its remaining attempts.
func TestAnOverdueAttemptIsNotTheLastIfTheBreakerIsClosed(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	d := f.over(t, 1)
	f.handleOnce(t, d)
	if len(f.requests) != 1 || len(f.rows) != 1 || f.rows[0].Attempt != 4 {
		t.Errorf("%d requests, rows %v", len(f.requests), f.rows)
	}
}

// Many last attempts may fall together, and their receiver probably does not answer
// soon.
func TestLastAttemptsGoToTheSlowLane(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, d := newLanes(t), oneNow()
		l.webhook.Health = webhook.Health{Failures: 20, OpenSince: time.Now(), OpenUntil: time.Now().Add(time.Minute)}
		d.First, d.Held = d.Due.Add(-schedule(t).Total()), true
		if failed := l.handle(t, d); failed != 0 || len(l.slow) != 1 || l.slow[0].Body != d.Encode() || l.requests.get() != 0 {
			t.Fatalf("in the normal lane: %d failed, %v in the slow queue, %d requests", failed, l.slow, l.requests.get())
		}
		l.slow, l.receivedInSlow = nil, true
		if failed := l.handle(t, d); failed != 0 || len(l.slow)+len(l.normal) != 0 || l.requests.get() != 1 {
			t.Errorf("in the slow lane: %d failed, %d queued, %d requests", failed, len(l.slow)+len(l.normal), l.requests.get())
		}
	})
}

// handleOnce gives deliveries to the first instance as one batch of the slow lane, where
// last attempts are made, and keeps the next attempts that it queues.
func (f *fleet) handleOnce(t rapid.TB, deliveries ...delivery.Delivery) {
	t.Helper()
	d := f.instances[0]
	d.Queue = queueFunc(func(_ context.Context, messages []queue.Message) []error {
		for _, m := range messages {
			content, err := delivery.Decode([]byte(m.Body))
			if err != nil || content.Logs != nil {
				t.Fatalf("queued %s: %v", m.Body, err)
			}
			f.queued = append(f.queued, content.Deliveries...)
		}
		return allOf(len(messages), nil)
	})
	var list []events.SQSMessage
	for _, dl := range deliveries {
		list = append(list, inSlowLane(message(dl.Encode())))
	}
	response, err := d.Handle(context.Background(), batch(list...))
	if err != nil || len(response.BatchItemFailures) > 0 {
		t.Fatalf("Handle = %v, %v", response, err)
	}
}

// The receiver never recovers, and deliveries are up to two minutes late. Each
// delivery has one chain of attempts. Its last log is of a request that was made when
// its schedule was over, or of the tenth attempt. Apart from probes, that is its only
// request.
func TestNothingIsGivenUpWithoutALastAttempt(t *testing.T) {
	t.Parallel()
	total := schedule(t).Total()
	rapid.Check(t, func(rt *rapid.T) {
		f := newFleet(t, 1)
		f.open(t)
		n := rapid.IntRange(1, 6).Draw(rt, "deliveries")
		first, chain := make(map[string]time.Time), make(map[string]delivery.Delivery)
		for i := range n {
			d := f.event(i)
			d.Due = d.Due.Add(time.Duration(rapid.IntRange(0, 3_600_000).Draw(rt, "sent")) * time.Millisecond)
			first[d.Event.ID], chain[d.Event.ID] = d.Due, d
		}
		for len(chain) > 0 {
			var next delivery.Delivery
			for _, d := range chain {
				if next.Due.IsZero() || d.Due.Before(next.Due) {
					next = d
				}
			}
			delete(chain, next.Event.ID)
			if f.now.Before(next.Due) {
				f.now = next.Due
			}
			f.now = f.now.Add(time.Duration(rapid.IntRange(0, 120_000).Draw(rt, "late")) * time.Millisecond)
			if rapid.Bool().Draw(rt, "another delivery probes") {
				f.health.health.OpenUntil = f.now.Add(webhook.ProbeEvery)
			}
			f.rows, f.queued = nil, nil
			made := len(f.requests)
			f.handleOnce(rt, next)
			if schedule(t).Over(next, f.now) && (len(f.requests) != made+1 || len(f.rows)+len(f.queued) != 0) {
				rt.Fatalf("%s is over: %d requests, followed by %v %v, want one request and nothing after it", next.Event.ID, len(f.requests)-made, f.rows, f.queued)
			}
			for _, d := range slices.Concat(f.rows, f.queued) {
				if _, second := chain[d.Event.ID]; second {
					rt.Fatalf("there are two chains of %s", d.Event.ID)
				}
				chain[d.Event.ID] = d
			}
		}
		last, requests := make(map[string]attemptlog.Log), 0
		for _, l := range f.logs {
			if l.StatusCode != 0 {
				requests++
			}
			if l.Outcome != attemptlog.Retrying {
				if _, second := last[l.EventID]; second {
					rt.Fatalf("%s ends twice", l.EventID)
				}
				last[l.EventID] = l
			}
		}
		for id, due := range first {
			l := last[id]
			if l.Outcome != attemptlog.Failed || l.StatusCode != f.status || l.CreatedAt.Before(due.Add(total)) && l.Attempt <= len(schedule(t)) {
				rt.Fatalf("%s was first due at %v and ends with %+v", id, due, l)
			}
		}
		if requests != len(f.requests) || requests-f.health.probes.get() > n {
			rt.Fatalf("%d requests, %d logs of requests, %d probes for %d deliveries", len(f.requests), requests, f.health.probes.get(), n)
		}
	})
}
