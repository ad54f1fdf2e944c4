package attempt_test

import (
	"bytes"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"webhooks/shared/delivery/attempt"
)

// A receiver may stop at any stage of an attempt. The customer reads at which.
func TestTheStageOfATimeoutIsNamed(t *testing.T) {
	t.Parallel()
	const timeout = 2 * time.Second
	large := bytes.Repeat([]byte("1"), 16<<20)
	tests := []struct {
		name   string
		scheme string
		body   []byte
		serve  func(p *peer)
		status int
		want   attempt.Failure
		says   string
	}{
		{name: "handshake", scheme: "https", serve: (*peer).untilClosed, want: attempt.FailureTLSTimeout, says: "TLS handshake"},
		{name: "handshake that began", scheme: "https", serve: answeringAtOnce("\x16\x03\x03"), want: attempt.FailureTLSTimeout, says: "TLS handshake"},
		{name: "sending", body: large, serve: func(p *peer) { <-p.receiver.ended }, want: attempt.FailureSend, says: "read the whole request"},
		{name: "waiting", serve: func(p *peer) { p.readRequest(); p.untilClosed() }, want: attempt.FailureTimeout, says: "did not respond"},
		{name: "waiting, large request", body: large[:1<<20], serve: func(p *peer) { p.readRequest(); p.untilClosed() }, want: attempt.FailureTimeout, says: "did not respond"},
		{name: "waiting after 100 Continue", serve: answeringAtOnce("HTTP/1.1 100 Continue\r\n\r\n"), want: attempt.FailureTimeout, says: "did not respond"},
		{name: "within a status line", serve: answeringAtOnce("HTTP/1.1 2"), want: attempt.FailureTimeout, says: "did not respond"},
		{name: "header", serve: answeringAtOnce(ok + "X: "), status: 200, want: attempt.FaultHeaderTimeout, says: "header of the response"},
		{name: "header after a line", serve: answeringAtOnce(ok + "X: y\r\n"), status: 200, want: attempt.FaultHeaderTimeout, says: "header of the response"},
		{name: "body", serve: answeringAtOnce(ok + "Content-Length: 2\r\n\r\n"), status: 200, want: attempt.FaultBodyTimeout, says: "body of the response"},
		{name: "body without a length", serve: answeringAtOnce(ok + "\r\n"), status: 200, want: attempt.FaultBodyTimeout, says: "body of the response"},
		{name: "chunks", serve: answeringAtOnce(ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"), status: 200, want: attempt.FaultBodyTimeout, says: "body of the response"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, tt.serve)
			request := newRequest(t, r.url)
			if tt.scheme != "" {
				request.URL = strings.Replace(r.url, "http", tt.scheme, 1)
			}
			if tt.body != nil {
				request.Body = tt.body
			}
			got := newSender(t, attempt.Config{Timeout: timeout}).Send(t.Context(), request)
			if got.StatusCode != tt.status || got.Problem() != tt.want || !strings.Contains(got.Problem().Text().English, tt.says) {
				t.Errorf("status %d and %q, which reads %q; want %d and %q, which says %q",
					got.StatusCode, got.Problem(), got.Problem().Text().English, tt.status, tt.want, tt.says)
			}
			if got.ResponseTime < timeout || got.ResponseTime > patience {
				t.Errorf("ResponseTime = %v", got.ResponseTime)
			}
		})
	}
}

// The limit of a handshake is shorter than that of the attempt.
func TestAHandshakeThatStallsIsNamedBeforeTheAttemptEnds(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, (*peer).untilClosed)
	sender := newSender(t, attempt.Config{})
	sender.SetHandshakeTimes(50*time.Millisecond, 100*time.Millisecond)
	got := sender.Send(t.Context(), newRequest(t, strings.Replace(r.url, "http", "https", 1)))
	checkResult(t, got, attempt.Result{Failure: attempt.FailureTLSTimeout})
}

// A connection that nobody accepts is no connection, whichever limit ends it.
func TestAConnectionThatStalls(t *testing.T) {
	t.Parallel()
	got := newSender(t, attempt.Config{Timeout: 200 * time.Millisecond}).Send(t.Context(), newRequest(t, "http://"+fullListener(t)))
	checkResult(t, got, attempt.Result{Failure: attempt.FailureConnect})
}

// fullListener returns the address of a listener whose queue is full, so the system
// drops the packets of further connections.
func fullListener(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: bound.(*syscall.SockaddrInet4).Port}
	for range 16 {
		dialer := net.Dialer{Timeout: 200 * time.Millisecond}
		conn, err := dialer.DialContext(t.Context(), "tcp", address.String())
		if err != nil {
			return address.String()
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Fatal("the listener takes every connection")
	return ""
}
