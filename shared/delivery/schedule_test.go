package delivery_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"webhooks/shared/delivery"
)

// standard returns the default schedule.
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
	want := "the waits take up to 16.8 days, and a dead letter is kept for 14 more: events must be kept for 31 days but are kept for 30"
	if err == nil || err.Error() != want {
		t.Errorf("two weeks of waits and 30 days: %v, want %q", err, want)
	}
	if err := fortnight.Fits(31 * day); err != nil {
		t.Error(err)
	}
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
		if again, _ := schedule.Next(m.Deliveries[0]); !again.Equal(next) {
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
