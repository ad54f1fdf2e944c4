package webhook_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/webhook"
)

func TestState(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 26, 10, 0, 0, 500_000_000, time.UTC)
	before, second := now.Add(-time.Minute), now.Add(-time.Minute).Truncate(time.Second)
	tests := []struct {
		name   string
		health webhook.Health
		want   *webhook.State
	}{
		{name: "healthy"},
		{name: "failing", health: webhook.Health{Failures: 500, FailingSince: before}},
		{name: "slow", health: webhook.Health{SlowSince: before, SlowUntil: now.Add(1)}, want: &webhook.State{State: "slow", Since: second}},
		{name: "slow in the past", health: webhook.Health{SlowSince: before, SlowUntil: now}},
		{name: "open", health: webhook.Health{OpenSince: before, OpenUntil: now.Add(1)}, want: &webhook.State{State: "open", Since: second}},
		{name: "open, and the probe is due", health: webhook.Health{OpenSince: before, OpenUntil: before}, want: &webhook.State{State: "open", Since: second}},
		{
			name:   "open and slow",
			health: webhook.Health{SlowSince: now.Add(-time.Hour), SlowUntil: now.Add(1), OpenSince: before, OpenUntil: now},
			want:   &webhook.State{State: "open", Since: second},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, tt.health.State(now)); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTripped(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC)
	long := now.Add(-10 * time.Minute)
	tests := []struct {
		name   string
		health webhook.Health
		want   bool
	}{
		{name: "healthy"},
		{name: "enough failures for long enough", health: webhook.Health{Failures: 20, FailingSince: long}, want: true},
		{name: "too few failures", health: webhook.Health{Failures: 19, FailingSince: long}},
		{name: "failing for too short a time", health: webhook.Health{Failures: 2000, FailingSince: long.Add(1)}},
		{name: "open already", health: webhook.Health{Failures: 20, FailingSince: long, OpenSince: long}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.health.Tripped(now); got != tt.want {
				t.Errorf("Tripped = %t, want %t", got, tt.want)
			}
		})
	}
}
