package bench_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"webhooks/shared/delivery"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/lambdatest"
)

// BenchmarkDispatcher measures deliveries in batches of ten messages, most of which carry
// one delivery. A message with ten carries those of one event to ten webhooks.
func BenchmarkDispatcher(b *testing.B) {
	for _, c := range []struct {
		name     string
		webhooks int
		carries  int // deliveries in a message; 0 means 1
		size     int // of an event
		secure   bool
		figure   string
	}{
		{name: "http/1KiB/one_webhook", webhooks: 1, size: small, figure: "dispatcher_cpu_ms_per_delivery"},
		{name: "http/1KiB/ten_webhooks", webhooks: 10, size: small, figure: "dispatcher_cpu_ms_per_delivery_ten_webhooks"},
		{name: "http/1KiB/ten_in_a_message", webhooks: 10, carries: delivery.MaxDeliveries, size: small, figure: "dispatcher_cpu_ms_per_delivery_ten_in_a_message"},
		{name: "http/4KiB/one_webhook", webhooks: 1, size: large, figure: "dispatcher_cpu_ms_per_delivery_4kib"},
		{name: "https/1KiB/one_webhook", webhooks: 1, size: small, secure: true, figure: "dispatcher_cpu_ms_per_delivery_tls"},
	} {
		b.Run(c.name, func(b *testing.B) {
			url, own := plainReceiver(b), map[string]string{}
			if c.secure {
				url, own["SSL_CERT_FILE"] = secureReceiver(b)
			}
			s := setup(b, c.webhooks, url)
			f := lambdatest.Start(b, lambdatest.Binary(b, "dispatcher"), s.Variables("DispatcherFunction", own))
			carries := max(1, c.carries)
			measure(b, f, c.figure, "delivery", carries, func(n int) string {
				e := lambdatest.NewEvent(tenant, n, c.size)
				var ids []int64
				for i := range carries {
					ids = append(ids, s.webhooks[(n*carries+i)%len(s.webhooks)].ID)
				}
				return delivery.Delivery{
					Webhook: s.webhooks[0], Event: e.Key(), Type: e.Type,
					Attempt: 1, Due: time.Now(), Hash: e.Hash(), Body: e.Body(),
				}.EncodeTo(ids...)
			})
		})
	}
}

// BenchmarkFanout measures new events in batches of ten, each for one webhook or
// for ten.
func BenchmarkFanout(b *testing.B) {
	for _, c := range []struct {
		name     string
		webhooks int
		size     int // of an event
		figure   string
	}{
		{name: "1KiB/one_webhook", webhooks: 1, size: small, figure: "fanout_cpu_ms_per_event"},
		{name: "1KiB/ten_webhooks", webhooks: 10, size: small, figure: "fanout_cpu_ms_per_event_ten_webhooks"},
		{name: "4KiB/one_webhook", webhooks: 1, size: large, figure: "fanout_cpu_ms_per_event_4kib"},
		{name: "4KiB/ten_webhooks", webhooks: 10, size: large, figure: "fanout_cpu_ms_per_event_ten_webhooks_4kib"},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := setup(b, c.webhooks, "http://127.0.0.1:1/")
			f := lambdatest.Start(b, lambdatest.Binary(b, "fanout"), s.Variables("FanoutFunction", nil))
			measure(b, f, c.figure, "event", 1, func(n int) string { return lambdatest.NewEvent(tenant, n, c.size).Message() })
		})
	}
}

// measure invokes f with batches of the messages that message makes, each of which carries
// several units. It reports the processor time of one unit in the fastest round, because other
// programs on the machine evict the caches and only add time. The slowest round
// shows how much they added.
func measure(b *testing.B, f *lambdatest.Function, figure, unit string, carries int, message func(n int) string) {
	b.Helper()
	sent := 0
	invoke := func() {
		bodies := make([]string, 0, batchSize)
		for range batchSize {
			bodies = append(bodies, message(sent))
			sent++
		}
		mustSucceed(b, f.Invoke(lambdatest.Batch(b, bodies)))
	}
	for range warmup {
		invoke()
	}
	var rounds []time.Duration // time of one unit
	before, first := f.CPU(), sent
	for n := 1; b.Loop(); n++ {
		invoke()
		if n%round == 0 {
			now := f.CPU()
			rounds = append(rounds, (now-before)/time.Duration((sent-first)*carries))
			before, first = now, sent
		}
	}
	if len(rounds) == 0 { // with a small -benchtime, such as 10x
		rounds = append(rounds, (f.CPU()-before)/time.Duration((sent-first)*carries))
	}
	took, peak := milliseconds(slices.Min(rounds)), float64(f.PeakMemory())/(1<<20)
	b.ReportMetric(milliseconds(slices.Max(rounds)), "slowest-cpu-ms/"+unit)
	b.ReportMetric(0, "ns/op") // wall-clock time depends on the load of the machine
	b.ReportMetric(took, "cpu-ms/"+unit)
	b.ReportMetric(1000/took, unit+"/cpu-s")
	b.ReportMetric(peak, "peak-MiB")
	cloudtest.Record(b, "bench.json", map[string]float64{figure: took})
	cloudtest.RecordMost(b, "bench.json", "peak_memory_mib", peak)
}

// secureReceiver returns the URL of a receiver with TLS and the path of its
// certificate.
func secureReceiver(b *testing.B) (url, certificate string) {
	b.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(receiver))
	b.Cleanup(server.Close)
	certificate = filepath.Join(b.TempDir(), "receiver.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(certificate, text, 0o600); err != nil {
		b.Fatal(err)
	}
	return server.URL + "/webhook", certificate
}
