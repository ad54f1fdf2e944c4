// Package metric writes metrics to the function's log in CloudWatch's embedded metric
// format, from which CloudWatch extracts them without an API call:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
//
// A function writes one line at the end of each invocation. Metrics have no dimensions,
// because CloudWatch bills each set of dimensions as a metric of its own: tenants and
// webhooks are told apart by the function's log and the logs table. Zeroes are not
// written, except by [Together], so an idle stack pays for no metrics: a missing data
// point means zero.
package metric

import (
	"io"
	"slices"
	"strconv"
	"time"
)

// Metric is the name of a metric. It has only letters, and no other member of a log
// line has the same name.
type Metric string

// The metrics. The dashboard and alarms in template.yaml use them; a test in
// shared/systemtest/architecture compares the two.
const (
	EventsAccepted    Metric = "EventsAccepted"    // events fanned out
	EventsDuplicate   Metric = "EventsDuplicate"   // duplicates of a stored event, not delivered again
	EventsConflict    Metric = "EventsConflict"    // dead letters because another event has the same id
	EventsSetAside    Metric = "EventsSetAside"    // dead letters of events for any other reason
	DeliveriesMatched Metric = "DeliveriesMatched" // deliveries queued by a fan-out

	Delivered          Metric = "Delivered"          // attempts answered with 2xx
	Retried            Metric = "Retried"            // failed attempts that another attempt follows
	Failed             Metric = "Failed"             // failed attempts that no attempt follows
	Skipped            Metric = "Skipped"            // deliveries to a disabled webhook, or too many for a rate limit
	Held               Metric = "Held"               // deliveries held back by the circuit breaker
	Forwarded          Metric = "Forwarded"          // deliveries moved to the slow lane
	DeliveriesSetAside Metric = "DeliveriesSetAside" // dead letters of deliveries
	AttemptTime        Metric = "AttemptTime"        // from the start of a request to the end of its response, in milliseconds
	FirstAttemptDelay  Metric = "FirstAttemptDelay"  // from the producer's send to the first attempt, in milliseconds

	RetriesStored Metric = "RetriesStored" // deliveries written to the retries table
	RetriesMoved  Metric = "RetriesMoved"  // rows moved from the retries table to the queue
	RetriesBehind Metric = "RetriesBehind" // minutes since the oldest row left behind was due
)

// Point holds the values of a metric in one invocation: a count, or one value for each
// attempt.
type Point struct {
	metric Metric
	unit   string // https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
	values []int64
}

// Count returns the point of a count. A count of zero is not written. The point has no
// unit, which keeps the line short.
func Count(m Metric, n int) Point {
	if n == 0 {
		return Point{metric: m}
	}
	return Point{metric: m, values: []int64{int64(n)}}
}

// Together returns the points of counts that an alarm combines in one expression. If one
// of them is not zero, the zeroes are written too: CloudWatch cannot fill a metric that has
// no point in the whole period of an alarm, and the alarm would not start.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
func Together(counts ...Point) []Point {
	if !slices.ContainsFunc(counts, func(p Point) bool { return len(p.values) > 0 }) {
		return counts
	}
	for i, p := range counts {
		if len(p.values) == 0 {
			counts[i].values = []int64{0}
		}
	}
	return counts
}

// Durations returns the point of durations, in whole milliseconds. Negative ones count
// as zero.
func Durations(m Metric, durations []time.Duration) Point {
	p := Point{metric: m, unit: "Milliseconds"}
	for _, d := range durations {
		p.values = append(p.values, max(0, d.Milliseconds()))
	}
	return p
}

// maxValues is the format's limit of values of a metric in a line. The limit of 100
// metrics is never reached.
const maxValues = 100

// Writer writes metrics. A nil Writer writes nothing.
type Writer struct {
	out       io.Writer
	namespace string
	now       func() time.Time
}

// New returns a writer of metrics in namespace, or nil if namespace is empty. Out is
// the function's standard output, whose lines Lambda logs.
func New(out io.Writer, namespace string, now func() time.Time) *Writer {
	if namespace == "" {
		return nil
	}
	return &Writer{out, namespace, now}
}

// Write writes points in one line, or in more if a point has over 100 values. It
// ignores write errors, because the log itself failed.
func (w *Writer) Write(points ...Point) {
	if w == nil {
		return
	}
	for {
		var line, rest []Point
		for _, p := range points {
			if len(p.values) > 0 {
				line = append(line, Point{p.metric, p.unit, p.values[:min(len(p.values), maxValues)]})
			}
			if len(p.values) > maxValues {
				rest = append(rest, Point{p.metric, p.unit, p.values[maxValues:]})
			}
		}
		if len(line) == 0 {
			return
		}
		_, _ = w.out.Write(w.encode(line))
		points = rest
	}
}

// encode returns the line of points. It uses no JSON encoder, which saves CPU time in
// every invocation: metric names need no escaping.
func (w *Writer) encode(points []Point) []byte {
	const head, each = 128, 64
	b := make([]byte, 0, head+each*len(points))
	b = append(b, `{"_aws":{"Timestamp":`...)
	b = strconv.AppendInt(b, w.now().UnixMilli(), 10)
	b = append(b, `,"CloudWatchMetrics":[{"Namespace":`...)
	b = strconv.AppendQuote(b, w.namespace)
	b = append(b, `,"Dimensions":[[]],"Metrics":[`...)
	for i, p := range points {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"Name":"`+string(p.metric)+`"`...)
		if p.unit != "" {
			b = append(b, `,"Unit":"`+p.unit+`"`...)
		}
		b = append(b, '}')
	}
	b = append(b, `]}]}`...)
	for _, p := range points {
		b = append(b, `,"`+string(p.metric)+`":`...)
		b = appendValues(b, p.values)
	}
	return append(b, "}\n"...)
}

func appendValues(b []byte, values []int64) []byte {
	if len(values) == 1 {
		return strconv.AppendInt(b, values[0], 10)
	}
	b = append(b, '[')
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, v, 10)
	}
	return append(b, ']')
}
