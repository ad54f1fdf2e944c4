package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// grace is the time after the trouble begins that some figures leave out: they show how a trouble that lasts is borne.
const grace = 10 * time.Second

// slices of time after the trouble begins, by their ends: a trouble shows most in its first seconds.
var sliceEnds = [...]time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, time.Minute, 10 * time.Minute, time.Hour}

// report compares the latency before and during the trouble.
func (m *measured) report() (string, figures) {
	var b strings.Builder
	head(&b, "published")
	line(&b, "before", m.before)
	var from time.Duration
	for _, to := range sliceEnds {
		if part := between(m.under, from, to); len(part) > 0 {
			line(&b, fmt.Sprintf("%.0f to %.0f s", from.Seconds(), to.Seconds()), part)
		}
		from = to
	}
	settled := between(m.under, grace, sliceEnds[len(sliceEnds)-1])
	line(&b, "from 0 s", m.under)
	line(&b, "from 10 s", settled)
	found := figures{
		"p50_factor": factor(settled, m.before, 0.5), "p95_factor": factor(settled, m.before, 0.95), "lost": float64(m.lost),
		"third_p50_factor": factor(m.under, m.before, 0.5), "third_p95_factor": factor(m.under, m.before, 0.95),
		"third_worst_seconds": quantile(m.under, 1).Seconds(), "late_or_lost": float64(m.lost),
	}
	fmt.Fprintf(&b, "  late or lost %d; from the first second p50 × %.2f, p95 × %.2f, worst %.2f s; from 10 s p50 × %.2f, p95 × %.2f\n",
		m.lost, found["third_p50_factor"], found["third_p95_factor"], found["third_worst_seconds"], found["p50_factor"], found["p95_factor"])
	return b.String(), found
}

// head writes the head of a table.
func head(b *strings.Builder, name string) {
	fmt.Fprintf(b, "  %-24s %5s  %8s %8s %8s\n", name, "n", "p50", "p95", "max")
}

// line writes one line of a table.
func line(b *strings.Builder, name string, samples []sample) {
	fmt.Fprintf(b, "  %-24s %5d  %8v %8v %8v\n", name, len(samples), quantile(samples, 0.5), quantile(samples, 0.95), quantile(samples, 1))
}

// between returns the samples whose time after the start is in [from, to).
func between(samples []sample, from, to time.Duration) []sample {
	var list []sample
	for _, s := range samples {
		if s.at >= from && s.at < to {
			list = append(list, s)
		}
	}
	return list
}

// quantile returns the latency that the fraction q of the samples does not exceed.
func quantile(samples []sample, q float64) time.Duration {
	if len(samples) == 0 {
		return 0
	}
	var list []time.Duration
	for _, s := range samples {
		list = append(list, s.latency)
	}
	slices.Sort(list)
	return list[min(int(q*float64(len(list))), len(list)-1)].Round(time.Millisecond)
}

// factor returns a quantile of after as a multiple of the quantile of before.
func factor(after, before []sample, q float64) float64 {
	return quantile(after, q).Seconds() / max(quantile(before, q).Seconds(), 0.001)
}
