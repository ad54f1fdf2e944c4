package attempt_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"strconv"
	"testing"
	"time"

	"webhooks/shared/delivery/attempt"
)

// newStreamReceiver returns a receiver whose connections use TLS if secure is set. serve reads
// from and writes to the stream, and ends the connection below it.
func newStreamReceiver(t *testing.T, secure bool, serve func(stream io.ReadWriter, below *net.TCPConn)) (url string, cfg attempt.Config, r *receiver) {
	t.Helper()
	if !secure {
		r = newReceiver(t, func(p *peer) { serve(p.TCPConn, p.TCPConn) })
		return r.url, attempt.Config{}, r
	}
	cert, pool := certificate(t, time.Now().Add(time.Hour))
	r = newReceiver(t, func(p *peer) {
		server := tls.Server(p.TCPConn, &tls.Config{Certificates: []tls.Certificate{cert}})
		if err := server.Handshake(); err != nil {
			t.Error(err)
			return
		}
		serve(server, p.TCPConn)
	})
	return "https" + r.url[len("http"):], attempt.Config{RootCAs: pool}, r
}

// A receiver may answer before it has read the whole request, and close the connection
// with the rest unread, which resets it. The answer counts, although the request could
// not be written to its end. Each receiver reads some bytes of a large event, answers
// and ends the connection.
func TestAnAnswerCountsAlthoughWritingFailed(t *testing.T) {
	t.Parallel()
	endings := map[string]func(*net.TCPConn){
		"closed":      func(c *net.TCPConn) { c.Close() },
		"half closed": func(c *net.TCPConn) { _ = c.CloseWrite(); _, _ = io.Copy(io.Discard, io.LimitReader(c, 1<<10)) },
	}
	for _, secure := range []bool{false, true} {
		for name, end := range endings {
			for _, first := range []int{0, 1, 100, 4 << 10, 60 << 10, 200 << 10} {
				for _, status := range []int{200, 413} {
					t.Run(name+", TLS "+strconv.FormatBool(secure)+", after "+strconv.Itoa(first)+" bytes, "+strconv.Itoa(status), func(t *testing.T) {
						t.Parallel()
						answer := "HTTP/1.1 " + strconv.Itoa(status) + " X\r\nContent-Length: 2\r\n\r\nok"
						url, cfg, r := newStreamReceiver(t, secure, func(stream io.ReadWriter, below *net.TCPConn) {
							_, _ = io.ReadFull(stream, make([]byte, first))
							_, _ = io.WriteString(stream, answer)
							end(below)
						})
						sender := newSender(t, cfg)
						const repetitions = 8
						for range repetitions {
							request := newRequest(t, url)
							request.Fresh = true // the connection before may still seem to be open
							request.Body = bytes.Repeat([]byte("1"), 1<<20)
							checkResult(t, sender.Send(t.Context(), request), attempt.Result{StatusCode: status, ResponseBody: "ok"})
						}
						if n := r.conns.Load(); n != repetitions {
							t.Errorf("%d connections for %d attempts", n, repetitions)
						}
					})
				}
			}
		}
	}
}

// A receiver answers and keeps the connection open, but never reads the rest of the
// request. The attempt ends with the answer.
func TestAnAnswerCountsAlthoughTheRequestIsNotRead(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		t.Run("TLS "+strconv.FormatBool(secure), func(t *testing.T) {
			t.Parallel()
			done := make(chan struct{})
			t.Cleanup(func() { close(done) })
			url, cfg, _ := newStreamReceiver(t, secure, func(stream io.ReadWriter, _ *net.TCPConn) {
				_, _ = stream.Read(make([]byte, 1))
				_, _ = io.WriteString(stream, ok+"Content-Length: 2\r\n\r\nok")
				<-done
			})
			request := newRequest(t, url)
			request.Body = bytes.Repeat([]byte("1"), 16<<20)
			got := newSender(t, cfg).Send(t.Context(), request)
			checkResult(t, got, attempt.Result{StatusCode: 200, ResponseBody: "ok"})
			if got.ResponseTime > patience/2 {
				t.Errorf("the attempt took %v", got.ResponseTime)
			}
		})
	}
}

// Without an answer, a connection that ends while the request is written is lost.
func TestAConnectionThatEndsWithoutAnAnswerIsLost(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		for _, first := range []int{1, 60 << 10} {
			t.Run("TLS "+strconv.FormatBool(secure)+", after "+strconv.Itoa(first)+" bytes", func(t *testing.T) {
				t.Parallel()
				url, cfg, r := newStreamReceiver(t, secure, func(stream io.ReadWriter, below *net.TCPConn) {
					_, _ = io.ReadFull(stream, make([]byte, first))
					_ = below.SetLinger(0)
					below.Close()
				})
				request := newRequest(t, url)
				request.Body = bytes.Repeat([]byte("1"), 1<<20)
				checkResult(t, newSender(t, cfg).Send(t.Context(), request), attempt.Result{Failure: attempt.FailureReset})
				if n := r.conns.Load(); n != 1 {
					t.Errorf("%d connections, want 1", n)
				}
			})
		}
	}
}
