package bench_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/lambdatest"
)

// BenchmarkStart measures the wall-clock time from the start of a function's
// process to its request for the first invocation, and reports the median. A cold
// start on Lambda also includes what AWS does before the process starts. The
// reported processor time does not depend on the load of the machine.
func BenchmarkStart(b *testing.B) {
	slowest, largest := 0.0, 0.0
	for _, function := range []struct{ folder, logicalID string }{
		{"dispatcher", "DispatcherFunction"}, {"fanout", "FanoutFunction"}, {"create-webhook", "CreateWebhookFunction"},
	} {
		b.Run(function.folder, func(b *testing.B) {
			s := lambdatest.NewStack(b, map[string]string{"LocalReceivers": "true"})
			binary, variables := lambdatest.Binary(b, function.folder), s.Variables(function.logicalID, nil)
			var ready, used []time.Duration
			for b.Loop() {
				f := lambdatest.Start(b, binary, variables)
				ready, used = append(ready, f.Ready()), append(used, f.CPU())
				f.Stop()
			}
			size, start := megabytes(b, binary), milliseconds(median(ready))
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(start, "ms/start")
			b.ReportMetric(milliseconds(median(used)), "cpu-ms/start")
			b.ReportMetric(size, "MB")
			slowest, largest = max(slowest, start), max(largest, size)
		})
	}
	cloudtest.Record(b, "bench.json", map[string]float64{"cold_start_ms": slowest, "binary_mb": largest})
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func megabytes(b *testing.B, path string) float64 {
	b.Helper()
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	return float64(info.Size()) / 1e6
}
