package cost_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"sync"
	"testing"
	"time"
)

// receiver fails the first requests, takes its time, and counts the bytes of all requests.
type receiver struct {
	url     string
	takes   time.Duration
	mu      sync.Mutex
	failing int
	bytes   int
	served  int // requests

	underWay int
	since    time.Time     // when underWay last became 1
	busy     time.Duration // how long at least one request was under way
}

// newReceiver returns a receiver that fails the first requests, as many as failing, and
// takes the given time for each.
func newReceiver(t *testing.T, failing int, takes time.Duration) *receiver {
	t.Helper()
	r := &receiver{failing: failing, takes: takes}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL + "/webhook"
	return r
}

// ServeHTTP answers 500 to the requests that must fail, and 200 to the others.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	text, err := httputil.DumpRequest(request, true)
	r.begin()
	if r.takes > 0 {
		select {
		case <-time.After(r.takes):
		case <-request.Context().Done():
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.underWay--; r.underWay == 0 {
		r.busy += time.Since(r.since)
	}
	r.bytes, r.served = r.bytes+len(text), r.served+1
	if r.failing > 0 || err != nil {
		r.failing--
		w.WriteHeader(http.StatusInternalServerError)
	}
	_, _ = w.Write([]byte(`{"received":true}`)) // the test notices a function that has ended
}

func (r *receiver) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.underWay++; r.underWay == 1 {
		r.since = time.Now()
	}
}
