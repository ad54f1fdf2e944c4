package attempt_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"webhooks/shared/delivery/attempt"
	"webhooks/shared/guard"
)

// keepAlive answers every request of a connection.
func keepAlive(p *peer) {
	for p.readRequest() {
		p.write(ok + "Content-Length: 2\r\n\r\nok")
	}
}

func TestSendReusesConnections(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, keepAlive)
	sender := newSender(t, attempt.Config{})
	for range 3 {
		checkResult(t, sender.Send(t.Context(), newRequest(t, r.url)), attempt.Result{StatusCode: 200, ResponseBody: "ok"})
	}
	if n := r.conns.Load(); n != 1 {
		t.Errorf("%d connections for 3 requests, want 1", n)
	}
}

// After a long pause Wake closes the idle connections, which the receivers may have
// closed while the function was frozen.
func TestWake(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		pause time.Duration
		conns int32
	}{
		{name: "short pause", pause: 2 * time.Second, conns: 1},
		{name: "long pause", pause: 4 * time.Second, conns: 2},
		{name: "clock set back", pause: -time.Hour, conns: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, keepAlive)
			sender := newSender(t, attempt.Config{})
			sender.Wake(time.Now())
			sender.Send(t.Context(), newRequest(t, r.url))
			sender.Wake(time.Now().Add(tt.pause))
			checkResult(t, sender.Send(t.Context(), newRequest(t, r.url)), attempt.Result{StatusCode: 200, ResponseBody: "ok"})
			if n := r.conns.Load(); n != tt.conns {
				t.Errorf("%d connections, want %d", n, tt.conns)
			}
		})
	}
}

// The receiver reads the second request on a kept-alive connection and closes it
// without a response. It may have processed the request, so Send must not repeat it.
func TestSendNeverRepeats(t *testing.T) {
	t.Parallel()
	for _, drop := range []struct {
		name string
		how  func(p *peer)
	}{
		{name: "closed", how: func(p *peer) { p.Close() }},
		{name: "reset", how: (*peer).reset},
	} {
		t.Run(drop.name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, func(p *peer) {
				p.readRequest()
				p.write(ok + "Content-Length: 0\r\n\r\n")
				p.readRequest()
				drop.how(p)
			})
			sender := newSender(t, attempt.Config{})
			checkResult(t, sender.Send(t.Context(), newRequest(t, r.url)), attempt.Result{StatusCode: 200})
			checkResult(t, sender.Send(t.Context(), newRequest(t, r.url)), attempt.Result{Failure: attempt.FailureReset})
			if conns, requests := r.conns.Load(), r.requests.Load(); conns != 1 || requests != 2 {
				t.Errorf("%d requests on %d connections for 2 attempts, want 2 on 1", requests, conns)
			}
		})
	}
}

// A receiver answers the first request of each connection and hangs up on the second.
// One attempt fails, because Send never repeats a request. From then on no connection
// to the receiver is used twice, and it is told so.
func TestAReceiverThatHangsUpOnTheSecondRequest(t *testing.T) {
	t.Parallel()
	for _, drop := range []struct {
		name string
		how  func(p *peer)
	}{
		{name: "closed", how: func(p *peer) { p.Close() }},
		{name: "reset", how: (*peer).reset},
	} {
		t.Run(drop.name, func(t *testing.T) {
			t.Parallel()
			var closing atomic.Int32
			r := newReceiver(t, func(p *peer) {
				request, err := http.ReadRequest(p.reader)
				if err != nil {
					return
				}
				if _, err := io.Copy(io.Discard, request.Body); err != nil {
					return
				}
				p.receiver.requests.Add(1)
				if request.Close {
					closing.Add(1)
				}
				p.write(ok + "Content-Length: 0\r\n\r\n")
				p.readRequest()
				drop.how(p)
			})
			sender := newSender(t, attempt.Config{})
			var failed int
			for range 60 {
				if got := sender.Send(t.Context(), newRequest(t, r.url)); got.Failure != "" {
					failed++
				}
			}
			if failed != 1 || r.requests.Load() != 60 {
				t.Errorf("%d of 60 attempts failed, with %d requests; want 1, with 60", failed, r.requests.Load())
			}
			if conns := r.conns.Load(); conns != 59 || closing.Load() != 58 {
				t.Errorf("%d connections, of which %d were announced to close; want 59 and 58", conns, closing.Load())
			}
		})
	}
}

// Every other attempt follows a failed one: it does not use a connection of its kind.
func TestAFreshAttemptUsesANewConnection(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, keepAlive)
	sender := newSender(t, attempt.Config{})
	for _, fresh := range []bool{false, true, true, false} {
		request := newRequest(t, r.url)
		request.Fresh = fresh
		checkResult(t, sender.Send(t.Context(), request), attempt.Result{StatusCode: 200, ResponseBody: "ok"})
	}
	if n := r.conns.Load(); n != 3 {
		t.Errorf("%d connections, want 3", n)
	}
}

// The connections of other receivers stay alive.
func TestAnUnreliableReceiverDoesNotAffectOthers(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, keepAlive)
	once := newReceiver(t, func(p *peer) {
		p.readRequest()
		p.write(ok + "Content-Length: 0\r\n\r\n")
		p.readRequest()
	})
	sender := newSender(t, attempt.Config{})
	for range 4 {
		sender.Send(t.Context(), newRequest(t, once.url))
		sender.Send(t.Context(), newRequest(t, r.url))
	}
	if n := r.conns.Load(); n != 1 {
		t.Errorf("%d connections to the reliable receiver, want 1", n)
	}
}

// The receiver resets the connection at once. The dial or the request fails, depending
// on the race between them.
func TestSendToAReceiverThatResets(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, (*peer).reset)
	got := newSender(t, attempt.Config{}).Send(t.Context(), newRequest(t, r.url))
	if got.Failure != attempt.FailureReset && got.Failure != attempt.FailureConnect {
		t.Errorf("Failure = %q, cause: %v", got.Failure, got.Err)
	}
}

// A proxy of the environment would dial the receiver without the guard. net/http does
// not use it for loopback addresses, so the receiver has a name.
func TestSendIgnoresTheProxyOfTheEnvironment(t *testing.T) {
	proxy, asked := counted(t, func(http.ResponseWriter, *http.Request) {})
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		t.Setenv(name, "")
	}
	g, err := guard.New(guard.Config{AllowLocal: true, Resolver: noResolver()})
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"http://receiver.example.com/", "https://receiver.example.com/"} {
		got := attempt.New(g, attempt.Config{Timeout: patience}).Send(t.Context(), newRequest(t, url))
		checkResult(t, got, attempt.Result{Failure: attempt.FailureDNS})
	}
	if asked.Load() != 0 {
		t.Errorf("the proxy got %d requests", asked.Load())
	}
}

// noResolver answers no query.
func noResolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no name server")
	}}
}
