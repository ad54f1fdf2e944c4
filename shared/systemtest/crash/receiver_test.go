package crash_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// receiver is the customers' server. A path says how it answers: /flaky fails
// the first two requests of each event, /shut all, /fine none, /gone is answered
// 410.
type receiver struct {
	url  string
	dead *atomic.Bool

	mu       sync.Mutex
	requests map[string]int // by path and event
	answered map[string]int // 2xx, by path and event
}

const failures = 2

func newReceiver(t *testing.T, dead *atomic.Bool) *receiver {
	r := &receiver{dead: dead}
	r.forget()
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *receiver) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests, r.answered = make(map[string]int), make(map[string]int)
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	_, _ = io.Copy(io.Discard, request.Body)
	if r.dead.Load() {
		// A process that has ended makes no requests; its goroutines here still do.
		panic(http.ErrAbortHandler)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	key := strings.TrimPrefix(request.URL.Path, "/") + " " + request.Header.Get("Webhook-Id")
	r.requests[key]++
	switch {
	case request.URL.Path == "/gone":
		w.WriteHeader(http.StatusGone)
	case request.URL.Path == "/shut", request.URL.Path == "/flaky" && r.requests[key] <= failures:
		w.WriteHeader(http.StatusInternalServerError)
	default:
		r.answered[key]++
	}
}

// count returns how many requests came, and how many of them were answered
// 2xx, for an event.
func (r *receiver) count(path, event string) (requests, answered int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests[path+" "+event], r.answered[path+" "+event]
}
