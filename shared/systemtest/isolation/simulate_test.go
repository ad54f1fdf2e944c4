package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// waves is how often, in each row of the table, slow attempts hold all normal
// invocations before the lane keeps them out: delivery.md says that the others wait
// once for each, and then not again.
var waves = map[string]int{
	"the benchmark":               1,
	"the benchmark, 80 at once":   0,
	"1,000 webhooks, limit 10":    2,
	"1,000 webhooks, limit 1,000": 0,
}

// What delivery.md says of slow and failing receivers, in each of its rows.
func TestTheLaneKeepsTheOthersFast(t *testing.T) {
	t.Parallel()
	for _, row := range rows() {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			n, known := waves[row.name]
			if !known {
				t.Fatal("how often do slow attempts hold all invocations of this row?")
			}
			out := simulate(row.scenario)
			with := out.result()
			one := row.scenario
			one.normal, one.packed = one.normal+one.packed, 0
			without := simulate(one).result()
			if full := with.held >= row.normal; full != (n > 0) {
				t.Errorf("slow attempts held %d of %d invocations at once, want all of them: %t", with.held, row.normal, n > 0)
			}
			// A wave is over when its attempts end, and the last of them began while the
			// receiver was not yet known to be slow.
			unknown := seconds(simMark) + 2*time.Second // and what waited meanwhile
			if all := time.Duration(n); with.worst > max(all*slowAnswer, time.Second) || with.recovered > all*(slowAnswer+unknown) {
				t.Errorf("recovered after %v, the longest wait was %v, want %d waves of %v", with.recovered, with.worst, n, slowAnswer)
			}
			// The median never moves, and after the last wave nothing does.
			if p50, p95 := out.since(with.recovered); with.p50 > maxFactor || p50 > maxFactor || p95 > maxFactor {
				t.Errorf("p50 × %.2f; after the last wave the others wait %.2f and %.2f times as long", with.p50, p50, p95)
			}
			if without.recovered < seconds(row.seconds)*9/10 || without.p95 < 50 {
				t.Errorf("without the lane: recovered after %v, p95 × %.1f: the scenario shows nothing", without.recovered, without.p95)
			}
		})
	}
}

// since returns the latencies of what was published after at, as factors of those
// before the trouble.
func (o outcome) since(at time.Duration) (p50, p95 float64) {
	var before, after []sample
	for _, s := range o.samples {
		switch {
		case s.at < 0:
			before = append(before, s)
		case s.at > at:
			after = append(after, s)
		}
	}
	return factor(after, before, 0.5), factor(after, before, 0.95)
}

// TestTheTableIsTheSimulations: the same random numbers make the same table every
// time, so what delivery.md shows is what comes out.
func TestTheTableIsTheSimulations(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../.docs/delivery.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?s)```\n( +lane +p50 .*?)```").FindStringSubmatch(string(page))
	if shown == nil {
		t.Fatal("delivery.md has no table that begins with lane and p50")
	}
	if diff := cmp.Diff(strings.Split(table(), "\n"), strings.Split(shown[1], "\n")); diff != "" {
		t.Errorf("the table of delivery.md is not what SIMULATE=1 go run ./shared/systemtest/isolation prints (-simulation +page):\n%s", diff)
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
