package main

import (
	"fmt"
	"strings"
	"time"
)

// row is a scenario of the table.
type row struct {
	name string
	scenario
}

// rows returns the scenarios of .docs/delivery.md, with the slow lane.
func rows() []row {
	return []row{
		{"the benchmark", scenario{webhooks: 3, rate: 5, slow: 1, failing: 1, trouble: 20, normal: 5, packed: 2, seconds: 60}},
		{"the benchmark, 80 at once", scenario{webhooks: 3, rate: 5, slow: 1, failing: 1, trouble: 20, normal: 80, packed: 2, seconds: 60}},
		{"1,000 webhooks, limit 10", scenario{webhooks: 1000, rate: 50, slow: 5, failing: 5, trouble: 1, normal: 5, packed: 2, seconds: 120}},
		{"1,000 webhooks, limit 1,000", scenario{webhooks: 1000, rate: 500, slow: 10, failing: 10, trouble: 5, normal: 200, packed: 20, seconds: 120}},
	}
}

// result summarises what the other webhooks observed.
type result struct {
	p50, p95  float64       // after the first ten seconds, as a multiple of before
	worst     time.Duration // the longest latency
	recovered time.Duration // when the last event with over twice the longest latency of before was published
	held      int
	backlog   int
}

// result summarises the samples.
func (o observation) result() result {
	var before, after []sample
	for _, s := range o.samples {
		switch {
		case s.at < 0:
			before = append(before, s)
		case s.at >= grace:
			after = append(after, s)
		}
	}
	r := result{p50: factor(after, before, 0.5), p95: factor(after, before, 0.95), worst: quantile(o.samples, 1), held: o.held, backlog: o.backlog}
	usual := quantile(before, 1)
	for _, s := range o.samples {
		if s.at >= 0 && s.latency > 2*usual {
			r.recovered = max(r.recovered, s.at)
		}
	}
	return r
}

// table returns the results of all scenarios with and without the slow lane.
func table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "  %-28s %-5s %7s %7s %9s %10s %6s %8s\n", "", "lane", "p50", "p95", "worst", "recovered", "held", "backlog")
	for _, row := range rows() {
		for _, lane := range []string{"yes", "no"} {
			s := row.scenario
			if lane == "no" {
				s.normal, s.packed = s.normal+s.packed, 0 // the same number of invocations in total
			}
			r := simulate(s).result()
			fmt.Fprintf(&b, "  %-28s %-5s %7.2f %7.2f %8.1fs %9.1fs %6d %8d\n", row.name, lane, r.p50, r.p95, r.worst.Seconds(), r.recovered.Seconds(), r.held, r.backlog)
		}
	}
	return b.String()
}
