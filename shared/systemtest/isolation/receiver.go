package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

// receiver is a customer's server on loopback.
type receiver struct {
	server *httptest.Server
	mu     sync.Mutex
	got    map[string]arrival // by event id, first attempts only
	called map[string]bool    // the paths that were requested
	more   chan struct{}      // signals a delivery
}

// arrival has the times of an event that arrived.
type arrival struct{ published, arrived time.Time }

func newReceiver(status func() int) *receiver {
	r := &receiver{got: make(map[string]arrival), called: make(map[string]bool), more: make(chan struct{}, 1)}
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
	r.called[request.URL.Path] = true
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

// paths returns how many paths were requested.
func (r *receiver) paths() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.called)
}

// await waits until n events have arrived or the time is over.
func (r *receiver) await(n int, atMost time.Duration) { r.until(n, r.count, atMost) }

// awaitPaths waits until n paths were requested or the time is over.
func (r *receiver) awaitPaths(n int, atMost time.Duration) { r.until(n, r.paths, atMost) }

// until waits until a count has reached n or the time is over.
func (r *receiver) until(n int, count func() int, atMost time.Duration) {
	late := time.After(atMost)
	for count() < n {
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
