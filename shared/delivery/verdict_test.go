package delivery_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"webhooks/shared/attemptlog"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
)

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
			name: "the longest Retry-After that a queue can delay", d: sample(), result: attempt.Result{StatusCode: 503, RetryAfter: 15 * time.Minute},
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

// Due times are whole milliseconds. A wait that a receiver asks for is not shortened to
// get one.
func TestADueTimeIsRoundedUp(t *testing.T) {
	t.Parallel()
	now := due.Add(2*time.Second + time.Microsecond)
	v := standard(t).Decide(sample(), attempt.Result{StatusCode: 503, RetryAfter: time.Minute}, now)
	if want := due.Add(62*time.Second + time.Millisecond); !v.At.Equal(want) {
		t.Errorf("due at %v, want %v", v.At, want)
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
