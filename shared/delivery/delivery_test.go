package delivery_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"webhooks/shared/attemptlog"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/event"
	"webhooks/shared/webhook"
)

var due = time.Date(2026, 1, 26, 10, 0, 0, 7_000_000, time.UTC)

func sample() delivery.Delivery {
	return delivery.Delivery{
		Webhook: webhook.Key{TenantID: "acme", ID: 7}, Event: event.Key{TenantID: "acme", ID: "evt_1"},
		Type: event.TrainingFailed, Attempt: 1, Due: due, Hash: event.Hash{1, 2, 3},
		Body: []byte(`{"type":"training.failed","data":{ "z": 1.000000000000000000001, "a":"\u00e9\/" }}`),
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	without := sample()
	without.Body = nil
	single := sample()
	single.Single = true
	postponed := sample().Following(delivery.Verdict{Next: due.Add(time.Minute), At: due.Add(time.Hour)})
	for name, d := range map[string]delivery.Delivery{
		"with its body": sample(), "without its body": without, "single": single, "postponed": postponed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := delivery.Decode([]byte(d.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			// The body is signed, so it must be the same byte for byte.
			if diff := cmp.Diff(&d, m.Delivery); diff != "" || m.Log != nil {
				t.Errorf("delivery (-want +got):\n%s", diff)
			}
		})
	}
}

func TestQueuedLogRoundTrip(t *testing.T) {
	t.Parallel()
	l := attemptlog.Log{
		TenantID: "acme", WebhookID: 7, EventID: "evt_1", EventType: event.TrainingFailed, Attempt: 2,
		Outcome: attemptlog.Retrying, StatusCode: 500, ResponseTime: 12 * time.Millisecond, ResponseBody: "no\n\x00",
		CreatedAt: due, NextAttemptAt: due.Add(time.Minute),
	}
	text, err := delivery.EncodeLog(l)
	if err != nil {
		t.Fatal(err)
	}
	m, err := delivery.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&l, m.Log); diff != "" {
		t.Errorf("queued log (-want +got):\n%s", diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	good := sample().Encode()
	for name, text := range map[string]string{
		"not JSON":         "hello",
		"another kind":     `{"kind":"greeting"}`,
		"no kind":          `{}`,
		"empty queued log": `{"kind":"outcome"}`,
		"no webhook":       strings.Replace(good, `"webhook_id":7`, `"webhook_id":0`, 1),
		"no attempt":       strings.Replace(good, `"attempt":1`, `"attempt":0`, 1),
		"no hash":          strings.Replace(good, `"hash":"01`, `"hash":"zz`, 1),
		"invalid event id": strings.Replace(good, `"event_id":"evt_1"`, `"event_id":"evt.1"`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if m, err := delivery.Decode([]byte(text)); err == nil {
				t.Errorf("Decode = %+v, want an error", m)
			}
		})
	}
}

func standard(t *testing.T) delivery.Schedule {
	t.Helper()
	s, err := delivery.ParseSchedule("5,300,1800,7200,18000,36000,50400,72000,86400")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParseScheduleRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "0", "-5", "5,,5", "five", "604801", strings.Repeat("1,", 19) + "1"} {
		if s, err := delivery.ParseSchedule(text); err == nil {
			t.Errorf("ParseSchedule(%q) = %v, want an error", text, s)
		}
	}
}

// TestScheduleFitsTheEvents: a retention of 18 days, the least that the template
// allows, is enough for the default schedule.
func TestScheduleFitsTheEvents(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	if err := standard(t).Fits(18 * day); err != nil {
		t.Error(err)
	}
	fortnight := delivery.Schedule{7 * day, 7 * day}
	err := fortnight.Fits(30 * day)
	want := "the waits take up to 16.8 days, and a dead letter is kept for 14 more: events must be kept for 31 days, and are for 30"
	if err == nil || err.Error() != want {
		t.Errorf("two weeks of waits and 30 days: %v, want %q", err, want)
	}
	if err := fortnight.Fits(31 * day); err != nil {
		t.Error(err)
	}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	schedule := standard(t)
	now := due.Add(2 * time.Second)
	next, _ := schedule.Next(sample())
	last := sample()
	last.Attempt = 10
	single := sample()
	single.Single = true
	retrying := delivery.Verdict{Outcome: attemptlog.Retrying, Next: next, At: next}
	failed := delivery.Verdict{Outcome: attemptlog.Failed}
	tests := []struct {
		name   string
		d      delivery.Delivery
		result attempt.Result
		want   delivery.Verdict
	}{
		{name: "200", d: sample(), result: attempt.Result{StatusCode: 200}, want: delivery.Verdict{Outcome: attemptlog.Delivered}},
		{name: "299", d: sample(), result: attempt.Result{StatusCode: 299}, want: delivery.Verdict{Outcome: attemptlog.Delivered}},
		{name: "redirect", d: sample(), result: attempt.Result{StatusCode: 302}, want: retrying},
		{name: "404", d: sample(), result: attempt.Result{StatusCode: 404}, want: retrying},
		{name: "999", d: sample(), result: attempt.Result{StatusCode: 999}, want: retrying},
		{name: "timeout", d: sample(), result: attempt.Result{Failure: attempt.FailureTimeout}, want: retrying},
		{name: "gone", d: sample(), result: attempt.Result{StatusCode: 410}, want: delivery.Verdict{Outcome: attemptlog.Failed, Disable: true}},
		{name: "refused address", d: sample(), result: attempt.Result{Failure: attempt.FailureRefused}, want: failed},
		{name: "last attempt", d: last, result: attempt.Result{StatusCode: 500}, want: failed},
		{name: "single attempt", d: single, result: attempt.Result{StatusCode: 500}, want: failed},
		{name: "last attempt asked to wait", d: last, result: attempt.Result{StatusCode: 503, RetryAfter: time.Hour}, want: failed},
		{name: "short Retry-After", d: sample(), result: attempt.Result{StatusCode: 503, RetryAfter: time.Second}, want: retrying},
		{
			name: "long Retry-After", d: sample(), result: attempt.Result{StatusCode: 429, RetryAfter: time.Hour},
			want: delivery.Verdict{Outcome: attemptlog.Retrying, Next: next, At: due.Add(75 * time.Minute)},
		},
		{
			name: "Retry-After that a queue can wait", d: sample(), result: attempt.Result{StatusCode: 503, RetryAfter: 15 * time.Minute},
			want: delivery.Verdict{Outcome: attemptlog.Retrying, Next: next, At: now.Add(15 * time.Minute)},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, schedule.Decide(tt.d, tt.result, now)); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPauseAfterALateAttempt: the next attempt does not follow a timeout at once, and
// an outage of hours does not use up the schedule.
func TestPauseAfterALateAttempt(t *testing.T) {
	t.Parallel()
	schedule := standard(t)
	tests := []struct {
		name    string
		attempt int
		late    time.Duration
		pause   time.Duration
	}{
		{name: "a timeout", attempt: 1, late: 15 * time.Second, pause: 2500 * time.Millisecond},
		{name: "a backlog of an hour", attempt: 2, late: time.Hour, pause: 150 * time.Second},
		{name: "the longest queue delay", attempt: 3, late: time.Hour, pause: 15 * time.Minute},
		{name: "an outage of a day", attempt: 5, late: 24*time.Hour + time.Minute, pause: 150*time.Minute + 14*time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := sample()
			d.Attempt = tt.attempt
			planned, _ := schedule.Next(d)
			now := due.Add(tt.late)
			want := delivery.Verdict{Outcome: attemptlog.Retrying, Next: planned, At: now.Add(tt.pause)}
			if diff := cmp.Diff(want, schedule.Decide(d, attempt.Result{Failure: attempt.FailureTimeout}, now)); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}

// However late an attempt is and whatever Retry-After says: the next attempt is due at
// the requested or the scheduled time, whichever is later, or up to a quarter of an
// hour after it. The attempts after that keep the schedule's times.
func TestRetryAfterIsRespected(t *testing.T) {
	t.Parallel()
	schedule := standard(t)
	rapid.Check(t, func(t *rapid.T) {
		d := drawn(t)
		d.Attempt = min(d.Attempt, len(schedule))
		now := d.Due.Add(time.Duration(rapid.Int64Range(0, int64(72*time.Hour/time.Millisecond)).Draw(t, "late")) * time.Millisecond)
		asked := time.Duration(rapid.IntRange(0, 86_400).Draw(t, "Retry-After")) * time.Second
		next, _ := schedule.Next(d)
		v := schedule.Decide(d, attempt.Result{StatusCode: 503, RetryAfter: asked}, now)
		earliest := now.Add(max(asked, schedule[d.Attempt-1]/2))
		if next.After(earliest) {
			earliest = next
		}
		if !v.Next.Equal(next) || v.At.Before(earliest) || v.At.After(earliest.Add(15*time.Minute)) {
			t.Fatalf("planned for %v and due at %v, want %v, and at or up to 15 min after %v", v.Next, v.At, next, earliest)
		}
		following := d.Following(v)
		planned, _ := schedule.Next(d.Following(delivery.Verdict{Next: next, At: next}))
		if got, _ := schedule.Next(following); !following.Due.Equal(v.At) || !got.Equal(planned) {
			t.Fatalf("due at %v and the one after it at %v, want %v and %v", following.Due, got, v.At, planned)
		}
	})
}

// Copies of a delivery whose attempts end within a quarter of an hour of the due time,
// as after a crash of the dispatcher, get the same due time if Retry-After asks for
// whole quarters of an hour.
func TestCopiesAgreeOnRetryAfter(t *testing.T) {
	t.Parallel()
	schedule := standard(t)
	rapid.Check(t, func(t *rapid.T) {
		d := drawn(t)
		d.Attempt = min(d.Attempt, len(schedule))
		result := attempt.Result{StatusCode: 503, RetryAfter: time.Duration(rapid.IntRange(2, 96).Draw(t, "quarters")) * 15 * time.Minute}
		var at [2]time.Time
		for i := range at {
			late := time.Duration(rapid.IntRange(0, 899_999).Draw(t, "late")) * time.Millisecond
			at[i] = schedule.Decide(d, result, d.Due.Add(late)).At
		}
		if !at[0].Equal(at[1]) {
			t.Fatalf("one copy is due at %v and the other at %v", at[0], at[1])
		}
	})
}

func TestNextHasJitterAndIsTheSameForCopies(t *testing.T) {
	t.Parallel()
	schedule := standard(t)
	rapid.Check(t, func(t *rapid.T) {
		d := sample()
		d.Webhook.ID = rapid.Int64Range(1, 1<<40).Draw(t, "webhook")
		d.Event.ID = rapid.StringMatching(`[A-Za-z0-9_-]{1,64}`).Draw(t, "event")
		d.Attempt = rapid.IntRange(1, len(schedule)).Draw(t, "attempt")
		next, more := schedule.Next(d)
		wait := float64(schedule[d.Attempt-1])
		if got := float64(next.Sub(d.Due)); !more || got < 0.8*wait-1e6 || got > 1.2*wait {
			t.Fatalf("wait %v, want %v ± 20 %%", time.Duration(got), time.Duration(wait))
		}
		m, err := delivery.Decode([]byte(d.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		if again, _ := schedule.Next(*m.Delivery); !again.Equal(next) {
			t.Fatalf("a copy computes %v, want %v", again, next)
		}
	})
}

func TestJitterUsesItsWholeRange(t *testing.T) {
	t.Parallel()
	schedule := standard(t)
	var buckets [8]int
	d := sample()
	for id := range int64(8000) {
		d.Webhook.ID = id + 1
		next, _ := schedule.Next(d)
		share := (next.Sub(due).Seconds()/5 - 0.8) / 0.4
		buckets[min(int(share*8), 7)]++
	}
	for i, n := range buckets {
		if n < 800 || n > 1200 {
			t.Errorf("bucket %d of the jitter has %d of 8000 deliveries, want about 1000", i, n)
		}
	}
}
