package attempt_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
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

// The receiver closes an idle kept-alive connection. The next attempt may fail because
// of it. But no request is received twice, and a result of 200 means that it was
// received.
func TestSendOnAClosedConnection(t *testing.T) {
	t.Parallel()
	for range 50 {
		closed := make(chan struct{})
		var first atomic.Bool
		r := newReceiver(t, func(p *peer) {
			if first.CompareAndSwap(false, true) {
				p.readRequest()
				p.write(ok + "Content-Length: 0\r\n\r\n")
				p.Close()
				close(closed)
				return
			}
			keepAlive(p)
		})
		sender := newSender(t, attempt.Config{})
		checkResult(t, sender.Send(t.Context(), newRequest(t, r.url)), attempt.Result{StatusCode: 200})
		<-closed
		got := sender.Send(t.Context(), newRequest(t, r.url))
		switch requests := r.requests.Load(); {
		case got.StatusCode == 200 && requests == 2:
		case got.Failure == attempt.FailureReset && requests == 1:
		default:
			t.Errorf("second attempt: status %d, failure %q, %d requests in all", got.StatusCode, got.Failure, requests)
		}
		sender.Wake(time.Now().Add(time.Minute)) // closes the connection, so the receiver ends
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

func BenchmarkSend(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {}))
	defer server.Close()
	sender := newSender(b, attempt.Config{})
	request := newRequest(b, server.URL)
	b.ReportAllocs()
	for b.Loop() {
		if got := sender.Send(b.Context(), request); got.StatusCode != 200 {
			b.Fatal(got)
		}
	}
}

// noResolver answers no query.
func noResolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no name server")
	}}
}
