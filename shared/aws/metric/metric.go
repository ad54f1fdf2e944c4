// Package metric writes numbers to the function's log in CloudWatch's embedded
// metric format, of which CloudWatch makes metrics without a call of ours:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
//
// A function writes one line per invocation, at its end. There is no dimension:
// each set of dimensions is a metric of its own and billed as one, so a tenant
// or a webhook never becomes one; the logs and the logs table tell them apart.
// What is zero is left out, so an idle stack has no metrics to pay for: where
// there is no point, nothing happened.
package metric

import (
	"io"
	"strconv"
	"time"
)

// Metric is the name of a metric: letters only, and no other member of a log
// line has it.
type Metric string

// What there is to measure. template.yaml draws and watches these, and a test
// in shared/systemtest/architecture holds the two together.
const (
	EventsAccepted    Metric = "EventsAccepted"    // fanned out
	EventsDuplicate   Metric = "EventsDuplicate"   // known already, and not delivered again
	EventsConflict    Metric = "EventsConflict"    // set aside: another event has the id
	EventsSetAside    Metric = "EventsSetAside"    // set aside for any other reason
	DeliveriesMatched Metric = "DeliveriesMatched" // queued by a fan-out

	Delivered          Metric = "Delivered"          // attempts answered with 2xx
	Retried            Metric = "Retried"            // failed attempts that another follows
	Failed             Metric = "Failed"             // failed attempts that none follows
	Skipped            Metric = "Skipped"            // deliveries to a disabled webhook
	Held               Metric = "Held"               // deliveries that wait because their webhook fails all the time
	Forwarded          Metric = "Forwarded"          // deliveries sent on to the slow lane
	DeliveriesSetAside Metric = "DeliveriesSetAside" // messages that can never be delivered
	AttemptTime        Metric = "AttemptTime"        // from the request to the end of its response, in milliseconds
	FirstAttemptDelay  Metric = "FirstAttemptDelay"  // from the producer's send to the first attempt, in milliseconds

	RetriesStored Metric = "RetriesStored" // next attempts that became rows of the retries table
	RetriesMoved  Metric = "RetriesMoved"  // rows of the retries table that became messages
	RetriesBehind Metric = "RetriesBehind" // minutes since the oldest row was due that is still there
)

// Point is what one invocation has to say about a metric: one number, or one
// for each attempt.
type Point struct {
	metric Metric
	unit   string // https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
	values []int64
}

// Count returns the point of a sum. Zero is left out of the line, and the unit
// too: that is shorter and means the same.
func Count(m Metric, n int) Point {
	if n == 0 {
		return Point{metric: m}
	}
	return Point{metric: m, values: []int64{int64(n)}}
}

// Durations returns the point of durations, in whole milliseconds.
func Durations(m Metric, durations []time.Duration) Point {
	p := Point{metric: m, unit: "Milliseconds"}
	for _, d := range durations {
		p.values = append(p.values, max(0, d.Milliseconds()))
	}
	return p
}

// maxValues is how many numbers of one metric a line may have. The format
// allows 100 metrics too, which nobody here comes near.
const maxValues = 100

// Writer writes the lines. The nil Writer writes nothing.
type Writer struct {
	out       io.Writer
	namespace string
	now       func() time.Time
}

// New returns a writer of metrics in namespace, or nil when that is empty: then
// nothing is measured. out is the function's standard output, where Lambda
// takes every line for a log.
func New(out io.Writer, namespace string, now func() time.Time) *Writer {
	if namespace == "" {
		return nil
	}
	return &Writer{out, namespace, now}
}

// Write writes points as one line, and as more only when one has over 100
// numbers. That it failed nobody can be told: the log is where it would say so.
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

// encode is put together by hand: names and namespace are ours and need no
// escaping, and every invocation pays for it.
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
