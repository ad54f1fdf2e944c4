package attempt_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"webhooks/shared/delivery/attempt"
	"webhooks/shared/guard"
	"webhooks/shared/webhook/signature"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// patience is a timeout that no attempt reaches.
const patience = 10 * time.Second

// newSender returns a Sender that may call loopback.
func newSender(t testing.TB, cfg attempt.Config) *attempt.Sender {
	t.Helper()
	g, err := guard.New(guard.Config{AllowLocal: true})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = patience
	}
	return attempt.New(g, cfg)
}

func newRequest(t testing.TB, url string) attempt.Request {
	t.Helper()
	key, err := signature.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	return attempt.Request{
		URL: url, ID: "evt_1", Time: time.Now(), Keys: []signature.Key{key},
		Body: []byte(`{"type":"environment.created","timestamp":"2026-01-02T03:04:05Z","data":{}}`),
	}
}

// receiver is a TCP server on loopback, so that it can violate HTTP.
type receiver struct {
	url      string
	conns    atomic.Int32
	requests atomic.Int32  // complete ones
	ended    chan struct{} // closed at the end of the test
	idle     chan struct{} // for a test that says when a connection is idle
}

// peer is the receiver's side of a connection.
type peer struct {
	*net.TCPConn
	reader   *bufio.Reader
	receiver *receiver
}

// newReceiver returns a receiver that calls serve for each connection, concurrently,
// and closes the connection when serve returns.
func newReceiver(t testing.TB, serve func(p *peer)) *receiver {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{url: "http://" + listener.Addr().String() + "/hook", ended: make(chan struct{}), idle: make(chan struct{})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			r.conns.Add(1)
			go func() {
				defer conn.Close()
				serve(&peer{TCPConn: conn.(*net.TCPConn), reader: bufio.NewReader(conn), receiver: r})
			}()
		}
	}()
	t.Cleanup(func() { listener.Close(); close(r.ended); <-done })
	return r
}

// readRequest reads a whole request, and reports whether there was one.
func (p *peer) readRequest() bool {
	request, err := http.ReadRequest(p.reader)
	if err != nil {
		return false
	}
	if _, err := io.Copy(io.Discard, request.Body); err != nil {
		return false
	}
	p.receiver.requests.Add(1)
	return true
}

// write sends text, and reports whether the connection is still open.
func (p *peer) write(text string) bool {
	_, err := io.WriteString(p, text)
	return err == nil
}

// reset ends the connection with a RST instead of a FIN.
func (p *peer) reset() {
	_ = p.SetLinger(0)
	p.Close()
}

// untilClosed waits until the Sender closes the connection.
func (p *peer) untilClosed() { _, _ = io.Copy(io.Discard, p.reader) }

// answering answers one request with text.
func answering(text string) func(*peer) {
	return func(p *peer) {
		if p.readRequest() {
			p.write(text)
		}
	}
}

// answeringAtOnce sends text before it reads anything, and waits for the end.
func answeringAtOnce(text string) func(*peer) {
	return func(p *peer) {
		p.write(text)
		p.untilClosed()
	}
}

// checkResult compares got with want, except for times and causes. A failure must have
// a cause.
func checkResult(t *testing.T, got, want attempt.Result) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(attempt.Result{}, "ResponseTime", "Timing", "Err")); diff != "" {
		t.Errorf("result (-want +got):\n%s\ncause: %v", diff, got.Err)
	}
	if failed := got.Problem() != ""; failed != (got.Err != nil) {
		t.Errorf("Failure %q, Fault %q, but Err = %v", got.Failure, got.Fault, got.Err)
	}
	if (got.StatusCode == 0) != (got.Failure != "") {
		t.Errorf("StatusCode %d with Failure %q", got.StatusCode, got.Failure)
	}
	if got.ResponseTime <= 0 {
		t.Errorf("ResponseTime = %v", got.ResponseTime)
	}
}
