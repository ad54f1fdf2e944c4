package attempt_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"webhooks/shared/delivery/attempt"
)

const ok = "HTTP/1.1 200 OK\r\n"

// Each receiver sends its answer and then closes the connection.
func TestSendReadsAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer string
		want   attempt.Result
	}{
		{name: "no content", answer: "HTTP/1.1 204 No Content\r\n\r\n", want: attempt.Result{StatusCode: 204}},
		{name: "HTTP/1.0, body up to the close", answer: "HTTP/1.0 200 OK\r\n\r\nfine", want: attempt.Result{StatusCode: 200, ResponseBody: "fine"}},
		{name: "chunked", answer: ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nfi\r\n2\r\nne\r\n0\r\n\r\n", want: attempt.Result{StatusCode: 200, ResponseBody: "fine"}},
		{name: "status without a reason", answer: "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", want: attempt.Result{StatusCode: 200}},
		{name: "informational first", answer: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok + "Content-Length: 0\r\n\r\n", want: attempt.Result{StatusCode: 200}},
		{name: "gone", answer: "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", want: attempt.Result{StatusCode: 410}},
		{name: "status 599", answer: "HTTP/1.1 599 X\r\nContent-Length: 2\r\n\r\nno", want: attempt.Result{StatusCode: 599, ResponseBody: "no"}},
		{name: "status 999", answer: "HTTP/1.1 999 X\r\nContent-Length: 2\r\n\r\nno", want: attempt.Result{StatusCode: 999, ResponseBody: "no"}},
		{name: "status 000", answer: "HTTP/1.1 000 X\r\n\r\n", want: attempt.Result{Failure: attempt.FailureProtocol}},
		{name: "status 099", answer: "HTTP/1.1 099 X\r\n\r\n", want: attempt.Result{Failure: attempt.FailureProtocol}},
		{name: "status of two digits", answer: "HTTP/1.1 20 X\r\n\r\n", want: attempt.Result{Failure: attempt.FailureProtocol}},
		{name: "status of four digits", answer: "HTTP/1.1 2000 X\r\n\r\n", want: attempt.Result{Failure: attempt.FailureProtocol}},
		{name: "status that may go on", answer: "HTTP/1.1 200", want: attempt.Result{Failure: attempt.FailureProtocol}},
		{name: "no version", answer: "HTTP 200 OK\r\n\r\n", want: attempt.Result{Failure: attempt.FailureProtocol}},
		{name: "negative status", answer: "HTTP/1.1 -20 X\r\n\r\n", want: attempt.Result{Failure: attempt.FailureProtocol}},
		{name: "protocol switch that was not requested", answer: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nxxxx", want: attempt.Result{Failure: attempt.FailureProtocol}},
		{name: "another protocol", answer: "SSH-2.0-OpenSSH_9.9\r\n", want: attempt.Result{Failure: attempt.FailureProtocol}},
		{name: "HTTP/0.9", answer: "<html>hello</html>\r\n\r\n", want: attempt.Result{Failure: attempt.FailureProtocol}},
		{name: "HTTP/2 frames", answer: "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64\x0a", want: attempt.Result{Failure: attempt.FailureProtocol}},
		{name: "HTTP/2 GOAWAY", answer: "\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07\n", want: attempt.Result{Failure: attempt.FailureProtocol}},
		{name: "space in a header name", answer: ok + "X Y: a\r\n\r\n", want: attempt.Result{StatusCode: 200}},
		{name: "Content-Length too large", answer: ok + "Content-Length: 100\r\n\r\nshort", want: attempt.Result{StatusCode: 200, ResponseBody: "short", Truncated: true, Fault: attempt.FailureReset}},
		{name: "Content-Length too small", answer: ok + "Content-Length: 2\r\n\r\nokay", want: attempt.Result{StatusCode: 200, ResponseBody: "ok"}},
		{name: "Content-Length of the largest number", answer: ok + "Content-Length: 9223372036854775807\r\n\r\nx", want: attempt.Result{StatusCode: 200, ResponseBody: "x", Truncated: true, Fault: attempt.FailureReset}},
		{name: "chunks that end early", answer: ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nab", want: attempt.Result{StatusCode: 200, ResponseBody: "ab", Truncated: true, Fault: attempt.FailureReset}},
		{name: "characters that SQS refuses", answer: ok + "Content-Length: 8\r\n\r\na\xef\xbf\xbe\xef\xbf\xbfb", want: attempt.Result{StatusCode: 200, ResponseBody: "a\uFFFD\uFFFDb"}},
		{name: "invalid UTF-8", answer: ok + "Content-Length: 5\r\n\r\na\xff\xfeb\xc3", want: attempt.Result{StatusCode: 200, ResponseBody: "a\uFFFDb\uFFFD"}},
		{name: "no response", answer: "", want: attempt.Result{Failure: attempt.FailureReset}},
		{name: "half a status line", answer: "HTTP/1.1 20", want: attempt.Result{Failure: attempt.FailureProtocol}},
		{name: "informational, then another protocol", answer: "HTTP/1.1 100 Continue\r\n\r\nSSH-2.0\r\n", want: attempt.Result{Failure: attempt.FailureProtocol}},
		{name: "informational alone", answer: "HTTP/1.1 100 Continue\r\n\r\n", want: attempt.Result{Failure: attempt.FailureReset}},
		{name: "failure with half a body", answer: "HTTP/1.1 500 X\r\nContent-Length: 9\r\n\r\noh", want: attempt.Result{StatusCode: 500, ResponseBody: "oh", Truncated: true, Fault: attempt.FailureReset}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, answering(tt.answer))
			got := newSender(t, attempt.Config{}).Send(t.Context(), newRequest(t, r.url))
			checkResult(t, got, tt.want)
			if n := r.requests.Load(); n != 1 {
				t.Errorf("received %d requests, want 1", n)
			}
		})
	}
}

// The size limits end an endless response long before the timeout.
func TestSendBoundsAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		begin  string
		repeat string
		want   attempt.Result
	}{
		{name: "endless status line", begin: "HTTP/1.1 200 ", repeat: strings.Repeat("O", 1000), want: attempt.Result{StatusCode: 200, Truncated: true, Fault: attempt.FaultHeaderSize}},
		{name: "endless header line", begin: ok + "X: ", repeat: strings.Repeat("x", 1000), want: attempt.Result{StatusCode: 200, Truncated: true, Fault: attempt.FaultHeaderSize}},
		{name: "endless headers", begin: ok, repeat: "X-A: b\r\n", want: attempt.Result{StatusCode: 200, Truncated: true, Fault: attempt.FaultHeaderSize}},
		{name: "endless folded header", begin: ok + "X: a\r\n", repeat: " b\r\n", want: attempt.Result{StatusCode: 200, Truncated: true, Fault: attempt.FaultHeaderSize}},
		{name: "flood of 100 Continue", repeat: "HTTP/1.1 100 Continue\r\n\r\n", want: attempt.Result{Failure: attempt.FailureProtocol}},
		{name: "flood of 103 Early Hints", repeat: "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n", want: attempt.Result{Failure: attempt.FailureProtocol}},
		{name: "endless body", begin: ok + "\r\n", repeat: "ab\n", want: attempt.Result{StatusCode: 200, ResponseBody: strings.Repeat("ab\n", 171)[:512], Truncated: true}},
		{name: "endless chunks", begin: ok + "Transfer-Encoding: chunked\r\n\r\n", repeat: "3\r\nab\n\r\n", want: attempt.Result{StatusCode: 200, ResponseBody: strings.Repeat("ab\n", 171)[:512], Truncated: true}},
		{name: "endless chunk extension", begin: ok + "Transfer-Encoding: chunked\r\n\r\n3;", repeat: strings.Repeat("x", 1000), want: attempt.Result{StatusCode: 200, Truncated: true, Fault: attempt.FaultChunk}},
		{name: "body of a terabyte", begin: ok + "Content-Length: 1099511627776\r\n\r\n", repeat: "密", want: attempt.Result{StatusCode: 200, ResponseBody: strings.Repeat("密", 170), Truncated: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			closed := make(chan struct{})
			r := newReceiver(t, func(p *peer) {
				defer close(closed)
				p.readRequest()
				block := strings.Repeat(tt.repeat, 1+4096/len(tt.repeat))
				for p.write(tt.begin + block) {
					tt.begin = ""
				}
			})
			got := newSender(t, attempt.Config{}).Send(t.Context(), newRequest(t, r.url))
			checkResult(t, got, tt.want)
			<-closed // the Sender closed the connection
		})
	}
}

// The timeout ends a response that stops or is too slow.
func TestSendBoundsTime(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		trickle string // sent first, then a byte at a time
		want    attempt.Result
	}{
		{name: "silence", want: attempt.Result{Failure: attempt.FailureTimeout}},
		{name: "slow header", trickle: ok + "X-A: " + strings.Repeat("b", 1<<16), want: attempt.Result{StatusCode: 200, Truncated: true, Fault: attempt.FaultHeaderTimeout}},
		{name: "slow body", trickle: ok + "\r\n" + strings.Repeat("b", 1<<16), want: attempt.Result{StatusCode: 200, Truncated: true, Fault: attempt.FaultBodyTimeout}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, func(p *peer) {
				p.readRequest()
				ticker := time.NewTicker(10 * time.Millisecond)
				defer ticker.Stop()
				rest := tt.trickle
				if head := strings.LastIndex(rest, "\n") + 1; head > 0 {
					p.write(rest[:head])
					rest = rest[head:]
				}
				for ; rest != "" && p.write(rest[:1]); rest = rest[1:] {
					<-ticker.C
				}
				p.untilClosed()
			})
			const timeout = 300 * time.Millisecond
			got := newSender(t, attempt.Config{Timeout: timeout}).Send(t.Context(), newRequest(t, r.url))
			if got.ResponseTime < timeout || got.ResponseTime > timeout+2*time.Second {
				t.Errorf("ResponseTime = %v, want %v", got.ResponseTime, timeout)
			}
			got.ResponseBody = "" // its length depends on the timing
			checkResult(t, got, tt.want)
		})
	}
}

func TestSendReportsResets(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		serve func(p *peer)
		want  attempt.Result
	}{
		{name: "after a byte of the request", serve: func(p *peer) { _, _ = p.reader.ReadByte(); p.reset() }, want: attempt.Result{Failure: attempt.FailureReset}},
		{name: "after the request", serve: func(p *peer) { p.readRequest(); p.reset() }, want: attempt.Result{Failure: attempt.FailureReset}},
		{name: "closed on connect", serve: func(p *peer) { p.Close() }, want: attempt.Result{Failure: attempt.FailureReset}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, tt.serve)
			request := newRequest(t, r.url)
			request.Body = bytes.Repeat([]byte("1"), 1<<20)
			checkResult(t, newSender(t, attempt.Config{}).Send(t.Context(), request), tt.want)
			if n := r.conns.Load(); n != 1 {
				t.Errorf("%d connections, want 1: a request must not be sent again", n)
			}
		})
	}
}

// Endless responses cost little memory, and so little time. The test counts all
// allocations of its process, including those of the receivers, so it does not run in
// parallel.
func TestSendBoundsMemory(t *testing.T) {
	sender := newSender(t, attempt.Config{BodyLimit: attempt.MaxBodyLimit})
	var receivers []*receiver
	for _, endless := range []struct{ begin, repeat string }{
		{begin: ok + "\r\n", repeat: "x"},
		{begin: ok + "Transfer-Encoding: chunked\r\n\r\n", repeat: "1\r\nx\r\n"},
		{begin: ok, repeat: "X-A: b\r\n"},
		{begin: ok, repeat: "Connection:a\n"},
		{begin: ok, repeat: "Content-Length:1\n"},
		{begin: ok, repeat: "Transfer-Encoding:a\n"},
		{begin: ok + "Connection: a\n", repeat: " b\n"},
		{begin: ok + "Content-Length: 1\n", repeat: " 1\n"},
		{begin: ok + "Retry-After: 1\n", repeat: "\t \n"},
		{begin: "HTTP/1.1 100\n\n", repeat: "HTTP/1.1 100\n\n"},
	} {
		begin, repeat := []byte(endless.begin), bytes.Repeat([]byte(endless.repeat), 64<<10/len(endless.repeat))
		receivers = append(receivers, newReceiver(t, func(p *peer) {
			p.readRequest()
			_, err := p.Write(begin)
			for err == nil {
				_, err = p.Write(repeat)
			}
		}))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var sends sync.WaitGroup
	for _, r := range receivers {
		sends.Go(func() { sender.Send(t.Context(), newRequest(t, r.url)) })
	}
	sends.Wait()
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 8<<20 {
		t.Errorf("%d KiB allocated for ten attempts, want at most 8 MiB", allocated>>10)
	} else {
		t.Logf("%d KiB allocated for ten attempts", allocated>>10)
	}
}

// Send does not request compression and does not decompress.
func TestSendDoesNotDecompress(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	writer := gzip.NewWriter(&bomb)
	if _, err := writer.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	r := newReceiver(t, answering(fmt.Sprintf("%sContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", ok, bomb.Len(), bomb.String())))
	got := newSender(t, attempt.Config{}).Send(t.Context(), newRequest(t, r.url))
	if got.StatusCode != 200 || !strings.HasPrefix(got.ResponseBody, "\x1f\uFFFD\b") || len(got.ResponseBody) > 512 {
		t.Errorf("result = %d %q (%d bytes), cause: %v", got.StatusCode, got.ResponseBody, len(got.ResponseBody), got.Err)
	}
}
