package attempt_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"webhooks/shared/delivery/attempt"
)

// The receiver closes an idle kept-alive connection. The next attempt sees that before
// it writes, and uses another one. No request is received twice.
func TestSendOnAClosedConnection(t *testing.T) {
	t.Parallel()
	endings := map[string]func(p *peer){
		"closed":            func(p *peer) { p.Close() },
		"half closed":       func(p *peer) { _ = p.CloseWrite() },
		"reset":             (*peer).reset,
		"a second response": func(p *peer) { p.write("HTTP/1.1 408 Request Timeout\r\n\r\n") },
	}
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 50 {
				ended := make(chan struct{})
				var first atomic.Bool
				r := newReceiver(t, func(p *peer) {
					if first.CompareAndSwap(false, true) {
						p.readRequest()
						p.write(ok + "Content-Length: 0\r\n\r\n")
						<-p.receiver.idle
						end(p)
						close(ended)
						p.untilClosed()
						return
					}
					keepAlive(p)
				})
				sender := newSender(t, attempt.Config{})
				checkResult(t, sender.Send(t.Context(), newRequest(t, r.url)), attempt.Result{StatusCode: 200})
				close(r.idle)
				<-ended
				got := sender.Send(t.Context(), newRequest(t, r.url))
				checkResult(t, got, attempt.Result{StatusCode: 200, ResponseBody: "ok"})
				if n := r.requests.Load(); n != 2 {
					t.Errorf("%d requests for 2 attempts", n)
				}
				sender.Wake(time.Now().Add(time.Minute)) // closes the connection, so the receiver ends
				if t.Failed() {
					return
				}
			}
		})
	}
}

// A receiver may end TLS and leave the connection below it open. What it sent last may
// have arrived together with the response.
func TestSendOnAConnectionWhoseTLSHasEnded(t *testing.T) {
	t.Parallel()
	for _, together := range []bool{false, true} {
		cert, pool := certificate(t, time.Now().Add(time.Hour))
		var requests atomic.Int32
		ended := make(chan struct{}, 2)
		r := newReceiver(t, func(p *peer) {
			held := &holding{TCPConn: p.TCPConn}
			server := tls.Server(held, &tls.Config{Certificates: []tls.Certificate{cert}})
			reader := bufio.NewReader(server)
			if request, err := http.ReadRequest(reader); err == nil {
				if _, err := io.Copy(io.Discard, request.Body); err == nil {
					requests.Add(1)
				}
			}
			held.hold = together
			_, _ = io.WriteString(server, ok+"Content-Length: 0\r\n\r\n")
			_ = server.CloseWrite()
			held.release()
			ended <- struct{}{}
			p.untilClosed()
		})
		sender := newSender(t, attempt.Config{RootCAs: pool})
		for range 2 {
			got := sender.Send(t.Context(), newRequest(t, strings.Replace(r.url, "http", "https", 1)))
			checkResult(t, got, attempt.Result{StatusCode: 200})
			if t.Failed() {
				return
			}
			<-ended
		}
		if requests.Load() != 2 || r.conns.Load() != 2 {
			t.Errorf("%d requests on %d connections, want 2 on 2", requests.Load(), r.conns.Load())
		}
	}
}

// holding holds back what is written until release.
type holding struct {
	*net.TCPConn
	hold bool
	held []byte
}

func (h *holding) Write(p []byte) (int, error) {
	if h.hold {
		h.held = append(h.held, p...)
		return len(p), nil
	}
	return h.TCPConn.Write(p)
}

func (h *holding) release() {
	h.hold = false
	_ = h.SetWriteDeadline(time.Time{}) // tls.Conn.CloseWrite sets one in the past
	_, _ = h.TCPConn.Write(h.held)
}
