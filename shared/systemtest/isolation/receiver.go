package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

// receiver is a customer's server on loopback.
type receiver struct {
	server *httptest.Server
	mu     sync.Mutex
	got    map[string]arrival // by event id, first attempts only
	more   chan struct{}      // signals a delivery
}

// arrival has the times of an event that arrived.
type arrival struct{ published, arrived time.Time }

func newReceiver(status func() int) *receiver {
	r := &receiver{got: make(map[string]arrival), more: make(chan struct{}, 1)}
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		r.record(request)
		w.WriteHeader(status())
	}))
	return r
}

// record stores the times of the request's event.
func (r *receiver) record(request *http.Request) {
	arrived := time.Now()
	body, err := io.ReadAll(request.Body)
	var sent struct {
		Data stamp `json:"data"`
	}
	if err != nil || json.Unmarshal(body, &sent) != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if id := request.Header.Get("Webhook-Id"); r.got[id].arrived.IsZero() {
		r.got[id] = arrival{time.Unix(0, sent.Data.At), arrived}
	}
	select {
	case r.more <- struct{}{}:
	default:
	}
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.got)
}

// await waits until n events have arrived or the time is over.
func (r *receiver) await(n int, atMost time.Duration) {
	late := time.After(atMost)
	for r.count() < n {
		select {
		case <-r.more:
		case <-late:
			return
		}
	}
}

// sample is the latency of an event, and when it was published after the start.
type sample struct{ at, latency time.Duration }

// latencies returns the samples of the events published in [from, to).
func (r *receiver) latencies(from, to time.Time) []sample {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []sample
	for _, d := range r.got {
		if !d.published.Before(from) && d.published.Before(to) {
			list = append(list, sample{d.published.Sub(from), d.arrived.Sub(d.published)})
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

// The verdicts of a report. .tools/check/isolation.py looks for the first.
const (
	within = "within a factor of two"
	beyond = "beyond a factor of two"
)

// window is the length of one line of the report.
const window = 5 * time.Second

// report compares the third webhook's latency before and during the trouble.
// published counts the events sent to it during the trouble.
func report(before, under []sample, published int) (string, map[string]float64) {
	var b strings.Builder
	line := func(name string, samples []sample) {
		fmt.Fprintf(&b, "  %-12s %5d  %8v %8v %8v\n", name, len(samples), quantile(samples, 0.5), quantile(samples, 0.95), quantile(samples, 1))
	}
	fmt.Fprintf(&b, "  %-12s %5s  %8s %8s %8s\n", "published", "n", "p50", "p95", "max")
	line("before", before)
	var settled []sample
	windows := make(map[int][]sample)
	last := 0
	for _, s := range under {
		n := int(s.at / window)
		windows[n], last = append(windows[n], s), max(last, n)
		if s.at >= grace {
			settled = append(settled, s)
		}
	}
	for n := range last + 1 {
		line(fmt.Sprintf("%d to %d s", n*5, n*5+5), windows[n])
	}
	line("after 10 s", settled)
	lost := published - len(under)
	p50, p95 := factor(settled, before, 0.5), factor(settled, before, 0.95)
	verdict := within
	if p50 > maxFactor || p95 > maxFactor || lost > 0 {
		verdict = beyond
	}
	fmt.Fprintf(&b, "  late or lost %d; p50 × %.2f, p95 × %.2f: %s\n", lost, p50, p95, verdict)
	return b.String(), map[string]float64{"p50_factor": p50, "p95_factor": p95, "lost": float64(lost)}
}

// factor returns a quantile of after as a multiple of the quantile of before.
func factor(after, before []sample, q float64) float64 {
	return quantile(after, q).Seconds() / max(quantile(before, q).Seconds(), 0.001)
}
