package attempt_test

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"webhooks/shared/delivery/attempt"
)

// middlebox is a TLS receiver behind a device that does not like a long ClientHello.
type middlebox struct {
	url          string
	hellos, long atomic.Int32
}

// newMiddlebox returns a middlebox that calls harm for each connection whose ClientHello
// has more than 1,400 bytes, and forwards the others to a TLS receiver.
func newMiddlebox(t *testing.T, cfg *tls.Config, harm func(p *peer)) *middlebox {
	t.Helper()
	m := &middlebox{}
	behind := strings.TrimPrefix(newTLSReceiver(t, cfg), "https://")
	r := newReceiver(t, func(p *peer) {
		header, err := p.reader.Peek(5)
		if err != nil {
			return
		}
		m.hellos.Add(1)
		if binary.BigEndian.Uint16(header[3:]) > 1400 {
			m.long.Add(1)
			harm(p)
			return
		}
		server, err := net.Dial("tcp", behind)
		if err != nil {
			t.Error(err)
			return
		}
		defer server.Close()
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			_, _ = io.Copy(p.TCPConn, server)
			_ = p.CloseWrite()
		}()
		_, _ = io.Copy(server, p.reader)
		server.Close()
		<-answered
	})
	m.url = strings.Replace(r.url, "http://", "https://", 1)
	return m
}

// harms are what is done to a long ClientHello.
var harms = map[string]func(p *peer){
	"closed":  func(p *peer) { _, _ = p.reader.Discard(p.reader.Buffered()) },
	"reset":   (*peer).reset,
	"dropped": (*peer).untilClosed,
}

// helloTime returns how long a ClientHello may stay unanswered. Only one that is dropped
// needs a limit.
func helloTime(harm string) time.Duration {
	if harm == "dropped" {
		return 200 * time.Millisecond
	}
	return patience
}

// Some devices drop, or break at, a ClientHello of two packets. The attempt then makes
// a second handshake without the post-quantum key share, and remembers the receiver.
func TestALongClientHelloThatIsNotAnswered(t *testing.T) {
	t.Parallel()
	for name, harm := range harms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cert, pool := certificate(t, time.Now().Add(time.Hour))
			m := newMiddlebox(t, &tls.Config{Certificates: []tls.Certificate{cert}}, harm)
			sender := newSender(t, attempt.Config{RootCAs: pool})
			sender.SetHandshakeTimes(helloTime(name), patience)
			for range 3 {
				request := newRequest(t, m.url)
				request.Fresh = true
				checkResult(t, sender.Send(t.Context(), request), attempt.Result{StatusCode: 200, ResponseBody: "HTTP/1.1"})
			}
			if m.long.Load() != 1 || m.hellos.Load() != 4 {
				t.Errorf("%d of %d ClientHellos were long, want 1 of 4", m.long.Load(), m.hellos.Load())
			}
		})
	}
}

// What the receiver answers to the second handshake is told, and the next attempt begins
// with the second.
func TestASecondHandshakeThatIsAnsweredCounts(t *testing.T) {
	t.Parallel()
	cert, _ := certificate(t, time.Now().Add(time.Hour))
	m := newMiddlebox(t, &tls.Config{Certificates: []tls.Certificate{cert}}, (*peer).reset)
	sender := newSender(t, attempt.Config{})
	for range 2 {
		checkResult(t, sender.Send(t.Context(), newRequest(t, m.url)), attempt.Result{Failure: attempt.FailureTLSAuthority})
	}
	if m.long.Load() != 1 || m.hellos.Load() != 3 {
		t.Errorf("%d of %d ClientHellos were long, want 1 of 3", m.long.Load(), m.hellos.Load())
	}
}

// A receiver that answers no handshake at all is not remembered: the reason is another.
func TestAReceiverWithoutTLSIsNotRemembered(t *testing.T) {
	t.Parallel()
	for name, harm := range harms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var long atomic.Int32
			r := newReceiver(t, func(p *peer) {
				if header, err := p.reader.Peek(5); err == nil && binary.BigEndian.Uint16(header[3:]) > 1400 {
					long.Add(1)
				}
				harm(p)
			})
			sender := newSender(t, attempt.Config{})
			sender.SetHandshakeTimes(helloTime(name), 2*helloTime(name))
			want := attempt.FailureTLSClosed
			if name == "dropped" {
				want = attempt.FailureTLSTimeout
			}
			for range 2 {
				got := sender.Send(t.Context(), newRequest(t, strings.Replace(r.url, "http://", "https://", 1)))
				checkResult(t, got, attempt.Result{Failure: want})
			}
			if long.Load() != 2 || r.conns.Load() != 4 {
				t.Errorf("%d of %d ClientHellos were long, want 2 of 4", long.Load(), r.conns.Load())
			}
		})
	}
}

// A slow receiver that has begun to answer keeps the whole time of a handshake.
func TestASlowHandshakeIsNotRepeated(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, func(p *peer) {
		_, _ = p.reader.Peek(1)
		p.write("\x16\x03\x03\x00\x7a\x02")
		p.untilClosed()
	})
	sender := newSender(t, attempt.Config{})
	sender.SetHandshakeTimes(time.Second, 1500*time.Millisecond)
	got := sender.Send(t.Context(), newRequest(t, strings.Replace(r.url, "http://", "https://", 1)))
	checkResult(t, got, attempt.Result{Failure: attempt.FailureTLSTimeout})
	if n := r.conns.Load(); n != 1 || got.ResponseTime < 1500*time.Millisecond {
		t.Errorf("%d connections in %v, want 1 in 1.5 s", n, got.ResponseTime)
	}
}
