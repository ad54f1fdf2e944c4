package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// waves says for each row of the table how often slow attempts occupy all normal
// invocations before the slow lane takes over. According to .docs/delivery.md
// the other webhooks wait once for each wave and then not again.
var waves = map[string]int{
	"the benchmark":               1,
	"the benchmark, 80 at once":   0,
	"1,000 webhooks, limit 10":    2,
	"1,000 webhooks, limit 1,000": 0,
}

// TestSlowLaneProtectsOtherWebhooks checks the statements of .docs/delivery.md about
// slow and failing receivers for every row of its table.
func TestSlowLaneProtectsOtherWebhooks(t *testing.T) {
	t.Parallel()
	for _, row := range rows() {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			n, known := waves[row.name]
			if !known {
				t.Fatal("waves has no entry for this row")
			}
			observed := simulate(row.scenario)
			with := observed.result()
			noLane := row.scenario
			noLane.normal, noLane.packed = noLane.normal+noLane.packed, 0
			without := simulate(noLane).result()
			if full := with.held >= row.normal; full != (n > 0) {
				t.Errorf("slow attempts occupied %d of %d invocations at once, want all of them: %t", with.held, row.normal, n > 0)
			}
			// A wave ends with its attempts. The last of them began before the webhook was
			// marked as slow.
			unmarked := seconds(simMark) + 2*time.Second // and 2 s for the deliveries that waited
			if all := time.Duration(n); with.worst > max(all*slowAnswer, time.Second) || with.recovered > all*(slowAnswer+unmarked) {
				t.Errorf("recovered after %v with a longest latency of %v, want %d waves of %v", with.recovered, with.worst, n, slowAnswer)
			}
			// The median never doubles, and after the last wave the 95th percentile does not either.
			if p50, p95 := observed.since(with.recovered); with.p50 > maxFactor || p50 > maxFactor || p95 > maxFactor {
				t.Errorf("p50 × %.2f; after the last wave p50 × %.2f, p95 × %.2f", with.p50, p50, p95)
			}
			if without.recovered < seconds(row.seconds)*9/10 || without.p95 < 50 {
				t.Errorf("without the slow lane: recovered after %v, p95 × %.1f: the scenario is too easy", without.recovered, without.p95)
			}
		})
	}
}

// since returns the latencies of the events published after at, as multiples of the
// latencies before the trouble.
func (o observation) since(at time.Duration) (p50, p95 float64) {
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

// TestPageHasTheSimulationsTable compares the table in .docs/delivery.md with the
// simulation, whose random numbers are the same in every run.
func TestPageHasTheSimulationsTable(t *testing.T) {
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

// TestNoDelayWithoutTrouble checks that the load alone delays nothing.
func TestNoDelayWithoutTrouble(t *testing.T) {
	t.Parallel()
	for _, row := range rows() {
		s := row.scenario
		s.slow, s.failing = 0, 0
		if r := simulate(s).result(); r.p50 > 1.2 || r.p95 > 1.2 || r.held != 0 || r.backlog != 0 {
			t.Errorf("%s: %+v", row.name, r)
		}
	}
}
