package main

import (
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const usual = 20 * time.Millisecond

// steady returns samples of one latency, one for each second of [from, to).
func steady(from, to int, latency time.Duration) []sample {
	var list []sample
	for at := from; at < to; at++ {
		list = append(list, sample{time.Duration(at) * time.Second, latency})
	}
	return list
}

// TestTheFirstSecondsOfATroubleCount checks that a wait in the first ten seconds shows in the figures of the whole
// trouble, and not in those of what follows.
func TestTheFirstSecondsOfATroubleCount(t *testing.T) {
	t.Parallel()
	m := measured{before: steady(0, 10, usual), under: append(steady(0, 10, time.Second), steady(10, 70, usual)...), lost: 3}
	text, found := m.report()
	want := figures{
		"p50_factor": 1, "p95_factor": 1, "lost": 3,
		"third_p50_factor": 1, "third_p95_factor": 50, "third_worst_seconds": 1, "late_or_lost": 3,
	}
	if diff := cmp.Diff(want, found, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
	var rows []string
	for _, row := range strings.Split(text, "\n") {
		rows = append(rows, regexp.MustCompile(" {2,}").ReplaceAllString(strings.TrimSpace(row), " | "))
	}
	table := []string{
		"published | n | p50 | p95 | max",
		"before | 10 | 20ms | 20ms | 20ms",
		"0 to 5 s | 5 | 1s | 1s | 1s",
		"5 to 10 s | 5 | 1s | 1s | 1s",
		"10 to 20 s | 10 | 20ms | 20ms | 20ms",
		"20 to 60 s | 40 | 20ms | 20ms | 20ms",
		"60 to 600 s | 10 | 20ms | 20ms | 20ms",
		"from 0 s | 70 | 20ms | 1s | 1s",
		"from 10 s | 60 | 20ms | 20ms | 20ms",
	}
	if diff := cmp.Diff(table, rows[:len(table)]); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

// TestFiguresOfNothing checks a trouble in which nothing arrived: the figures stay numbers, which JSON needs.
func TestFiguresOfNothing(t *testing.T) {
	t.Parallel()
	m := measured{before: steady(0, 10, usual), lost: 300}
	_, found := m.report()
	for name, value := range found {
		if math.IsNaN(value) || math.IsInf(value, 0) {
			t.Errorf("%s is %v", name, value)
		}
	}
	if found["late_or_lost"] != 300 {
		t.Errorf("%v", found)
	}
}

func TestTheTenantsAreCompared(t *testing.T) {
	t.Parallel()
	alone := steady(0, 10, usual)
	_, found := compareTenants(alone, steady(0, 10, 2*usual), alone, steady(0, 10, 3*usual), 1, &busy{published: 7, refused: 2, lists: 5})
	want := figures{
		"deliveries_p50_factor": 2, "deliveries_p95_factor": 2, "api_p50_factor": 3, "api_p95_factor": 3,
		"lost": 1, "busy_published": 7, "busy_refused": 2, "busy_lists": 5,
	}
	if diff := cmp.Diff(want, found, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
}
