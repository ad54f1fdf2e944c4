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

// patience is the timeout of attempts that are to end for another reason.
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

// receiver is a server on loopback that speaks TCP, so that it can break every rule
// of HTTP.
type receiver struct {
	url      string
	conns    atomic.Int32
	requests atomic.Int32 // complete ones
}

// peer is one connection to a receiver, from its side.
type peer struct {
	*net.TCPConn
	reader   *bufio.Reader
	receiver *receiver
}

// newReceiver serves each connection, one at a time or at once, with serve, and
// closes it then. It waits for all of them at the end of the test: a connection that
// the Sender keeps open against its rules hangs the test.
func newReceiver(t testing.TB, serve func(p *peer)) *receiver {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{url: "http://" + listener.Addr().String() + "/hook"}
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
	t.Cleanup(func() { listener.Close(); <-done })
	return r
}

// readRequest reads one request to its end, and tells whether there was one.
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

// write sends text and tells whether the other side still takes it.
func (p *peer) write(text string) bool {
	_, err := io.WriteString(p, text)
	return err == nil
}

// reset ends the connection with a RST instead of a FIN.
func (p *peer) reset() {
	_ = p.SetLinger(0)
	p.Close()
}

// untilClosed waits until the other side has closed the connection.
func (p *peer) untilClosed() { _, _ = io.Copy(io.Discard, p.reader) }

// answering serves one request with a fixed text and closes the connection.
func answering(text string) func(*peer) {
	return func(p *peer) {
		if p.readRequest() {
			p.write(text)
		}
	}
}

// checkResult compares all but the times and the cause, and that the cause is there.
func checkResult(t *testing.T, got, want attempt.Result) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(attempt.Result{}, "ResponseTime", "Err")); diff != "" {
		t.Errorf("result (-want +got):\n%s\ncause: %v", diff, got.Err)
	}
	if failed := got.Failure != "" || got.BodyFailure != ""; failed != (got.Err != nil) {
		t.Errorf("Failure %q, BodyFailure %q, but Err = %v", got.Failure, got.BodyFailure, got.Err)
	}
	if (got.StatusCode == 0) != (got.Failure != "") {
		t.Errorf("StatusCode %d with Failure %q", got.StatusCode, got.Failure)
	}
	if got.ResponseTime <= 0 {
		t.Errorf("ResponseTime = %v", got.ResponseTime)
	}
}
