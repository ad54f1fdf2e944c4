package main

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// receiver is a customer's server on loopback.
type receiver struct {
	server *httptest.Server
	mu     sync.Mutex
	got    map[string]time.Time // when each event arrived first, by its id
	called map[string]bool      // the paths that were requested
	more   chan struct{}        // signals a delivery
}

func newReceiver(status func() int) *receiver {
	r := &receiver{got: make(map[string]time.Time), called: make(map[string]bool), more: make(chan struct{}, 1)}
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		r.record(request.Header.Get("Webhook-Id"), request.URL.Path)
		w.WriteHeader(status())
	}))
	return r
}

// record stores that an event arrived at a path.
func (r *receiver) record(id, path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.got[id].IsZero() {
		r.got[id] = time.Now()
	}
	r.called[path] = true
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

// latencies returns the samples of the events published in [from, to), and how many of them did not arrive. Those
// count with the time that they have waited.
func (r *receiver) latencies(published map[string]time.Time, from, to time.Time) (list []sample, lost int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, at := range published {
		if at.Before(from) || !at.Before(to) {
			continue
		}
		arrived, ok := r.got[id]
		if !ok {
			arrived, lost = time.Now(), lost+1
		}
		list = append(list, sample{at.Sub(from), arrived.Sub(at)})
	}
	return list, lost
}
