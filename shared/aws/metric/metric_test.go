package metric_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"webhooks/shared/aws/metric"
)

const (
	sent    metric.Metric = "Sent"
	latency metric.Metric = "Latency"
)

var now = time.UnixMilli(1_769_421_600_123)

func write(points ...metric.Point) string {
	var out bytes.Buffer
	metric.New(&out, "Webhooks/dev", func() time.Time { return now }).Write(points...)
	return out.String()
}

func TestLine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		points []metric.Point
		want   string
	}{
		{"only zeroes", []metric.Point{metric.Count(sent, 0), metric.Durations(latency, nil)}, ""},
		{"a count", []metric.Point{metric.Count(sent, 3)},
			`{"_aws":{"Timestamp":1769421600123,"CloudWatchMetrics":[{"Namespace":"Webhooks/dev","Dimensions":[[]],"Metrics":[{"Name":"Sent"}]}]},"Sent":3}` + "\n"},
		{"a zero is not written", []metric.Point{metric.Count(sent, 0), metric.Durations(latency, []time.Duration{12_600 * time.Microsecond, -time.Second})},
			`{"_aws":{"Timestamp":1769421600123,"CloudWatchMetrics":[{"Namespace":"Webhooks/dev","Dimensions":[[]],"Metrics":[{"Name":"Latency","Unit":"Milliseconds"}]}]},"Latency":[12,0]}` + "\n"},
		{"only zeroes together", metric.Together(metric.Count(sent, 0), metric.Count(latency, 0)), ""},
		{"zeroes beside another count", metric.Together(metric.Count(sent, 0), metric.Count(latency, 2)),
			`{"_aws":{"Timestamp":1769421600123,"CloudWatchMetrics":[{"Namespace":"Webhooks/dev","Dimensions":[[]],"Metrics":[{"Name":"Sent"},{"Name":"Latency"}]}]},"Sent":0,"Latency":2}` + "\n"},
		{"several", []metric.Point{metric.Count(sent, 1), metric.Durations(latency, []time.Duration{time.Second})},
			`{"_aws":{"Timestamp":1769421600123,"CloudWatchMetrics":[{"Namespace":"Webhooks/dev","Dimensions":[[]],"Metrics":[{"Name":"Sent"},{"Name":"Latency","Unit":"Milliseconds"}]}]},"Sent":1,"Latency":1000}` + "\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, write(test.points...)); diff != "" {
				t.Errorf("line (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWriterWithoutANamespaceIsNil(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := metric.New(&out, "", time.Now)
	w.Write(metric.Count(sent, 1))
	if w != nil || out.Len() > 0 {
		t.Errorf("writer %v wrote %q, want nil and nothing", w, out.String())
	}
}

// document has the members of a line that the specification requires:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
type document struct {
	AWS struct {
		Timestamp         int64
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct{ Name, Unit string }
		}
	} `json:"_aws"`
}

// TestSpecification checks every line against the requirements of the specification,
// and that every value is written.
func TestSpecification(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`^[A-Za-z]{1,255}$`)
	rapid.Check(t, func(t *rapid.T) {
		durations := rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 20_000), func(n int) time.Duration { return time.Duration(n) * time.Millisecond }), 0, 350).Draw(t, "durations")
		count := rapid.IntRange(0, 5).Draw(t, "count")
		var counted int
		var got []int64
		for line := range strings.Lines(write(metric.Count(sent, count), metric.Durations(latency, durations))) {
			if len(line) > 256<<10 || !strings.HasSuffix(line, "}\n") || strings.Count(line, "\n") != 1 {
				t.Fatalf("line %q, want one JSON object of at most 256 KB on one line", line)
			}
			var doc document
			var root map[string]json.RawMessage
			if err := json.Unmarshal([]byte(line), &doc); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(line), &root); err != nil {
				t.Fatal(err)
			}
			if doc.AWS.Timestamp != now.UnixMilli() || len(doc.AWS.CloudWatchMetrics) != 1 {
				t.Fatalf("metadata = %+v, want the time in milliseconds and one directive", doc.AWS)
			}
			directive := doc.AWS.CloudWatchMetrics[0]
			if directive.Namespace == "" || len(directive.Dimensions) != 1 || len(directive.Dimensions[0]) != 0 {
				t.Fatalf("directive = %+v, want a namespace and one empty set of dimensions", directive)
			}
			if len(directive.Metrics) == 0 || len(directive.Metrics) > 100 || len(root) != len(directive.Metrics)+1 {
				t.Fatalf("%d metrics and %d members, want 1 to 100 metrics and one member for each", len(directive.Metrics), len(root)-1)
			}
			for _, m := range directive.Metrics {
				if !name.MatchString(m.Name) || !slices.Contains([]string{"", "Milliseconds"}, m.Unit) {
					t.Fatalf("metric %+v, want a valid name and unit", m)
				}
				values := numbers(t, root[m.Name])
				if m.Name == "Sent" {
					counted += int(values[0])
				} else {
					got = append(got, values...)
				}
			}
		}
		var want []int64
		for _, d := range durations {
			want = append(want, d.Milliseconds())
		}
		if diff := cmp.Diff(want, got); diff != "" || counted != count {
			t.Fatalf("counted %d of %d; values (-written +read):\n%s", counted, count, diff)
		}
	})
}

// numbers decodes the values of a metric: a number, or an array of at most 100.
func numbers(t *rapid.T, member json.RawMessage) []int64 {
	var one int64
	if json.Unmarshal(member, &one) == nil {
		return []int64{one}
	}
	var list []int64
	if err := json.Unmarshal(member, &list); err != nil || len(list) == 0 || len(list) > 100 {
		t.Fatalf("values %s (%v), want a number or an array of 1 to 100", member, err)
	}
	return list
}
