package main

import (
	"testing"
	"time"
)

// What the README says of slow and failing receivers, in each of its rows.
func TestTheLaneKeepsTheOthersFast(t *testing.T) {
	t.Parallel()
	for _, row := range rows() {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			with := simulate(row.scenario).result()
			one := row.scenario
			one.normal, one.packed = one.normal+one.packed, 0
			without := simulate(one).result()
			if with.held < row.normal && (with.p50 > maxFactor || with.p95 > maxFactor) {
				t.Errorf("the lane was never full, and after ten seconds the others wait %.1f and %.1f times as long", with.p50, with.p95)
			}
			// The normal lane is full at once: what holds it then is over when those
			// attempts end, and does not come again.
			if with.recovered > 40*time.Second || with.worst > 2*slowAnswer {
				t.Errorf("recovered after %v, the longest wait was %v", with.recovered, with.worst)
			}
			if without.recovered < seconds(row.seconds)*9/10 || without.p95 < 50 {
				t.Errorf("without the lane: recovered after %v, p95 × %.1f: the scenario shows nothing", without.recovered, without.p95)
			}
		})
	}
}

func TestNothingGoesWrongWithoutTrouble(t *testing.T) {
	t.Parallel()
	for _, row := range rows() {
		s := row.scenario
		s.slow, s.failing = 0, 0
		if r := simulate(s).result(); r.p50 > 1.2 || r.p95 > 1.2 || r.held != 0 || r.backlog != 0 {
			t.Errorf("%s: %+v", row.name, r)
		}
	}
}
