package main

import (
	"strconv"
	"testing"
	"time"
)

func TestSpreadOfArrivals(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		after   []time.Duration
		took    time.Duration
		busiest int
	}{
		"nothing":  {},
		"one":      {after: []time.Duration{0}, busiest: 1},
		"even":     {after: []time.Duration{0, 500, 1000, 1500}, took: 1500, busiest: 2},
		"a bundle": {after: []time.Duration{0, 900, 950, 1000, 1899, 3000}, took: 3000, busiest: 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, begun := receiver{got: make(map[string]time.Time)}, time.Now()
			for i, after := range tt.after {
				r.got[strconv.Itoa(i)] = begun.Add(after * time.Millisecond)
			}
			if took, busiest := r.spread(); took != tt.took*time.Millisecond || busiest != tt.busiest {
				t.Errorf("%v and at most %d in a second, want %v and %d", took, busiest, tt.took*time.Millisecond, tt.busiest)
			}
		})
	}
}

func TestTheRateOfNothingIsANumber(t *testing.T) {
	t.Parallel()
	for n := range 2 {
		if got := perSecond(n, 0); got != 0 {
			t.Errorf("the rate of %d arrivals is %v, want 0", n, got)
		}
	}
	if got := perSecond(301, 30*time.Second); got != 10 {
		t.Errorf("the rate of 301 arrivals in 30 s is %v, want 10", got)
	}
}
