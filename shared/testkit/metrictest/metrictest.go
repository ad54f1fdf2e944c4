// Package metrictest captures the metrics that a function writes.
package metrictest

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"webhooks/shared/aws/metric"
)

// Log is a metric writer that keeps its output.
type Log struct {
	*metric.Writer
	out bytes.Buffer
}

// New returns an empty log.
func New() *Log {
	l := new(Log)
	l.Writer = metric.New(&l.out, "Webhooks/test", time.Now)
	return l
}

// Numbers holds the written values by metric.
type Numbers = map[metric.Metric][]int64

// Take returns the values and the number of lines that were written since the last
// Take. It fails the test on a line that is not JSON.
func (l *Log) Take(t testing.TB) (numbers Numbers, lines int) {
	t.Helper()
	numbers = make(Numbers)
	for line := range strings.Lines(l.out.String()) {
		lines++
		var members map[metric.Metric]json.RawMessage
		if err := json.Unmarshal([]byte(line), &members); err != nil {
			t.Fatalf("decode the metrics %s: %v", line, err)
		}
		delete(members, "_aws")
		for name, member := range members {
			numbers[name] = append(numbers[name], values(t, member)...)
		}
	}
	l.out.Reset()
	return numbers, lines
}

// values decodes a number or an array of numbers.
func values(t testing.TB, member json.RawMessage) []int64 {
	t.Helper()
	var one int64
	if json.Unmarshal(member, &one) == nil {
		return []int64{one}
	}
	var list []int64
	if err := json.Unmarshal(member, &list); err != nil {
		t.Fatalf("decode the values %s of a metric: %v", member, err)
	}
	return list
}
