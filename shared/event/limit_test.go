package event_test

import (
	"testing"
	"time"

	"webhooks/shared/event"
)

func TestLimitWaitsForItsTokens(t *testing.T) {
	t.Parallel()
	l := event.Limit{Rate: 20, Burst: 40}
	now := time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name  string
		taken int // tokens that are missing in the bucket
		n     int
		want  time.Duration
	}{
		{name: "a full bucket", n: 40},
		{name: "the last token", taken: 39, n: 1},
		{name: "an empty bucket", taken: 40, n: 1, want: 50 * time.Millisecond},
		{name: "a whole burst of an empty bucket", taken: 40, n: 40, want: 2 * time.Second},
		{name: "half of the tokens are left", taken: 20, n: 30, want: 500 * time.Millisecond},
	} {
		if got := l.Wait(now.Add(l.Fill(tt.taken)), tt.n, now); got != tt.want {
			t.Errorf("%s: wait %v, want %v", tt.name, got, tt.want)
		}
	}
	if got := l.Wait(now.Add(-time.Hour), 40, now); got != 0 {
		t.Errorf("a bucket that has been full for an hour: wait %v", got)
	}
}
