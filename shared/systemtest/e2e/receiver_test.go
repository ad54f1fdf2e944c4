package e2e_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// received is a request that reached a receiver.
type received struct {
	Header http.Header
	Body   string
	Method string
	Path   string
	At     time.Time
}

// ID returns the delivery's event id.
func (r received) ID() string { return r.Header.Get("Webhook-Id") }

// verify checks the signature with the independent library; a secret that does
// not begin with whsec_ is used in its raw mode, as .docs/receiving.md says.
func (r received) verify(t testing.TB, secret string) {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhookRaw([]byte(secret))
	if len(secret) > 6 && secret[:6] == "whsec_" {
		verifier, err = standardwebhooks.NewWebhook(secret)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := verifier.Verify([]byte(r.Body), r.Header); err != nil {
		t.Errorf("the signature of %s: %v", r.ID(), err)
	}
}

// receiver is a customer's server. It remembers every request, then responds.
type receiver struct {
	URL      string
	requests chan received
}

// newReceiver starts a receiver on its own port and stops it when the test ends.
func newReceiver(t testing.TB, respond http.HandlerFunc) *receiver {
	t.Helper()
	r := unstarted()
	server := httptest.NewServer(r.handler(respond))
	t.Cleanup(func() {
		server.CloseClientConnections() // otherwise Close waits for slow responses
		server.Close()
	})
	r.URL = server.URL + "/webhook"
	return r
}

// unstarted returns a receiver without a server. Its channel has room for every request
// of the largest test, so a receiver never waits for the test.
func unstarted() *receiver { return &receiver{requests: make(chan received, 20_000)} }

func (r *receiver) handler(respond http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return // an interrupted request was not received
		}
		r.requests <- received{request.Header, string(body), request.Method, request.URL.Path, time.Now()}
		respond(w, request)
	})
}

// next returns the next request.
func (r *receiver) next(t testing.TB) received {
	t.Helper()
	select {
	case got := <-r.requests:
		return got
	case <-time.After(patience):
		t.Fatalf("the receiver got no request within %v", patience)
		return received{}
	}
}

// gotNothing fails the test if the receiver got a request.
func (r *receiver) gotNothing(t testing.TB) {
	t.Helper()
	select {
	case got := <-r.requests:
		t.Errorf("the receiver got %s %s %s, want nothing", got.Method, got.Path, got.Body)
	default:
	}
}

// ok responds with 200 and OK.
func ok(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "OK") }

// statuses responds with each status in turn, and then always with the last one.
func statuses(list ...int) http.HandlerFunc {
	var count atomic.Int64
	return func(w http.ResponseWriter, _ *http.Request) {
		n := min(int(count.Add(1)), len(list))
		w.WriteHeader(list[n-1])
	}
}
