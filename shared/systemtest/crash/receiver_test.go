package crash_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// receiver is the customers' server. Its path decides its status: /flaky fails the
// first two requests of each event, /shut fails all, /fine fails none, and /gone
// responds with 410.
type receiver struct {
	url   string
	world *world

	mu        sync.Mutex
	requests  map[string]int // by path and event
	delivered map[string]int // requests with a 2xx response, by path and event
}

const flakyFailures = 2

func newReceiver(t *testing.T, w *world) *receiver {
	r := &receiver{world: w}
	r.forget()
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *receiver) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests, r.delivered = make(map[string]int), make(map[string]int)
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	_, _ = io.Copy(io.Discard, request.Body)
	if r.world.slowly && request.URL.Path == "/fine" {
		r.world.polled.Load().wait(request.Context())
	}
	if r.world.ended.Load() {
		// A process that has ended makes no requests. Its goroutines in this test do.
		panic(http.ErrAbortHandler)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	key := strings.TrimPrefix(request.URL.Path, "/") + " " + request.Header.Get("Webhook-Id")
	r.requests[key]++
	switch {
	case request.URL.Path == "/gone":
		w.WriteHeader(http.StatusGone)
	case request.URL.Path == "/shut", request.URL.Path == "/flaky" && r.requests[key] <= flakyFailures:
		w.WriteHeader(http.StatusInternalServerError)
	default:
		r.delivered[key]++
	}
}

// count returns how many requests a path got for an event, and how many of them it
// answered with 2xx.
func (r *receiver) count(path, event string) (requests, delivered int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests[path+" "+event], r.delivered[path+" "+event]
}
