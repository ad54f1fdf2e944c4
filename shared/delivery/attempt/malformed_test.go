package attempt_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"webhooks/shared/delivery/attempt"
)

// malformed has the rest of responses after their status line, and what is wrong.
var malformed = []struct {
	name  string
	rest  string // after the status line
	fault attempt.Failure
	body  string
}{
	{name: "a transfer coding before chunked", rest: "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", fault: attempt.FaultTransferEncoding, body: "2\r\nok\r\n0\r\n\r\n"},
	{name: "two Transfer-Encodings", rest: "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", fault: attempt.FaultTransferEncoding},
	{name: "chunked twice", rest: "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", fault: attempt.FaultTransferEncoding},
	{name: "unknown transfer coding", rest: "Transfer-Encoding: identity\r\n\r\nfine", fault: attempt.FaultTransferEncoding, body: "fine"},
	{name: "empty transfer coding", rest: "Transfer-Encoding:\r\n\r\n", fault: attempt.FaultTransferEncoding},
	{name: "two Content-Lengths", rest: "Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc", fault: attempt.FaultContentLength, body: "abc"},
	{name: "two Content-Lengths in a line", rest: "Content-Length: 2, 3\r\n\r\nabc", fault: attempt.FaultContentLength, body: "abc"},
	{name: "Content-Length not a number", rest: "Content-Length: many\r\n\r\n", fault: attempt.FaultContentLength},
	{name: "Content-Length empty", rest: "Content-Length:\r\n\r\n", fault: attempt.FaultContentLength},
	{name: "Content-Length negative", rest: "Content-Length: -1\r\n\r\n", fault: attempt.FaultContentLength},
	{name: "Content-Length in hex", rest: "Content-Length: 0x2\r\n\r\nok", fault: attempt.FaultContentLength, body: "ok"},
	{name: "Content-Length above an int64", rest: "Content-Length: 18446744073709551616\r\n\r\nok", fault: attempt.FaultContentLength, body: "ok"},
	{name: "invalid Content-Length beside chunked", rest: "Content-Length: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", fault: attempt.FaultContentLength, body: "ok"},
	{name: "chunk size not a number", rest: "Transfer-Encoding: chunked\r\n\r\nzz\r\n", fault: attempt.FaultChunk},
	{name: "chunk size negative", rest: "Transfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n", fault: attempt.FaultChunk},
	{name: "chunk size above 64 bits", rest: "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\nok\r\n", fault: attempt.FaultChunk},
	{name: "chunk longer than its size", rest: "Transfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n", fault: attempt.FaultChunk, body: "ok"},
	{name: "chunks that end early", rest: "Transfer-Encoding: chunked\r\n\r\n5\r\nab", fault: attempt.FailureReset, body: "ab"},
	{name: "chunked that is not", rest: "Transfer-Encoding: chunked\r\n\r\n<html>\r\n", fault: attempt.FaultChunk},
	{name: "body that ends early", rest: "Content-Length: 9\r\n\r\nab", fault: attempt.FailureReset, body: "ab"},
	{name: "gzip body that breaks off", rest: "Content-Encoding: gzip\r\nContent-Length: 90\r\n\r\n\x1f\x8b", fault: attempt.FailureReset, body: "\x1f\uFFFD"},
	{name: "header without a colon", rest: "Server: x\r\nX\r\nContent-Length: 2\r\n\r\nok", fault: "header_line:3", body: "ok"},
	{name: "header without a name", rest: ": x\r\nContent-Length: 2\r\n\r\nok", fault: "header_line:2", body: "ok"},
	{name: "name with a control character", rest: "X\x01: a\r\nContent-Length: 2\r\n\r\nok", fault: "header_line:2", body: "ok"},
	{name: "name that is not ASCII", rest: "环境: a\r\nContent-Length: 2\r\n\r\nok", fault: "header_line:2", body: "ok"},
	{name: "name with a bracket", rest: "X[]: a\r\nContent-Length: 2\r\n\r\nok", fault: "header_line:2", body: "ok"},
	{name: "NUL in a value", rest: "Content-Length: 2\r\nX: a\x00b\r\n\r\nok", fault: "header_line:3", body: "ok"},
	{name: "control characters in a value", rest: "X: \x01\x1b[2J\x7f\xff\r\nContent-Length: 2\r\n\r\nok", fault: "header_line:2", body: "ok"},
	{name: "CR in a value", rest: "X: a\rb\r\nContent-Length: 2\r\n\r\nok", fault: "header_line:2", body: "ok"},
	{name: "NUL far behind in a value", rest: "X: " + strings.Repeat("x", 9000) + "\x00\r\nContent-Length: 2\r\n\r\nok", fault: "header_line:2", body: "ok"},
	{name: "folded line without a header", rest: " folded\r\nContent-Length: 2\r\n\r\nok", fault: "header_line:2", body: "ok"},
	{name: "another status line as a header", rest: "HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nok", fault: "header_line:2", body: "ok"},
	{name: "markup instead of headers", rest: "<html>\r\n\r\nfine", fault: "header_line:2", body: "fine"},
	{name: "header that ends early", rest: "Content-Le", fault: attempt.FailureReset},
	{name: "header that ends after a line", rest: "Content-Length: 2\r\n", fault: attempt.FailureReset},
	{name: "no header and no end", rest: "", fault: attempt.FailureReset},
	{name: "header of 100 KiB", rest: strings.Repeat("X-A: "+strings.Repeat("b", 1000)+"\r\n", 100) + "\r\n", fault: attempt.FaultHeaderSize},
	{name: "header line of 100 KiB", rest: "X: " + strings.Repeat("b", 100<<10) + "\r\n\r\n", fault: attempt.FaultHeaderSize},
}

// Once a status was read it counts, whatever the rest of the response looks like: a
// receiver that answered 200 has the event, and one that answered 410 wants no more.
func TestAStatusCountsWhateverFollowsIt(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 410, 500} {
		for _, tt := range malformed {
			t.Run(strconv.Itoa(status)+", "+tt.name, func(t *testing.T) {
				t.Parallel()
				r := newReceiver(t, answering("HTTP/1.1 "+strconv.Itoa(status)+" X\r\n"+tt.rest))
				got := newSender(t, attempt.Config{}).Send(t.Context(), newRequest(t, r.url))
				// The receiver closes with the rest of a large header unread by the Sender.
				truncated := got.Truncated
				checkResult(t, got, attempt.Result{StatusCode: status, Fault: tt.fault, ResponseBody: tt.body, Truncated: truncated})
				if n := r.requests.Load(); n != 1 {
					t.Errorf("received %d requests, want 1", n)
				}
				if text := got.Fault.Text(); strings.Contains(text.English, "{") || strings.Contains(text.Chinese, "{") || text == attempt.FailureInternal.Text() {
					t.Errorf("the customer reads %q", text)
				}
			})
		}
	}
}

// A status line counts in every form in which its status can be read, also after
// informational responses.
func TestAStatusLineCountsInEveryForm(t *testing.T) {
	t.Parallel()
	const rest = "Content-Length: 2\r\n\r\nok"
	for name, line := range map[string]string{
		"without a reason":        "HTTP/1.1 200\r\n",
		"an empty reason":         "HTTP/1.1 200 \r\n",
		"two spaces":              "HTTP/1.1  200  OK\r\n",
		"tabs":                    "HTTP/1.1\t200\tOK\r\n",
		"lower case":              "http/1.1 200 ok\r\n",
		"empty lines before it":   "\r\n\r\nHTTP/1.1 200 OK\r\n",
		"LF only":                 "HTTP/1.1 200 OK\n",
		"no space before":         "HTTP/1.1 200OK\r\n",
		"HTTP/1.0":                "HTTP/1.0 200 OK\r\n",
		"HTTP/0.9 as a version":   "HTTP/0.9 200 OK\r\n",
		"HTTP/2 as a version":     "HTTP/2 200\r\n",
		"HTTP/2.0 as a version":   "HTTP/2.0 200 OK\r\n",
		"control characters":      "HTTP/1.1 200 \x00\x1b[2J\r\n",
		"a reason of another set": "HTTP/1.1 200 正常\r\n",
		"a long reason":           "HTTP/1.1 200 " + strings.Repeat("O", 9000) + "\r\n",
		"after 100 Continue":      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n",
		"after malformed 103":     "HTTP/1.1 103 Early\r\nLink\r\nContent-Length: x\r\nTransfer-Encoding: y\r\n\r\nHTTP/1.1 200 OK\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, answering(line+rest))
			got := newSender(t, attempt.Config{}).Send(t.Context(), newRequest(t, r.url))
			checkResult(t, got, attempt.Result{StatusCode: 200, ResponseBody: "ok"})
		})
	}
}

// These responses are unusual and nothing is wrong with them.
func TestUnusualResponsesHaveNoFault(t *testing.T) {
	t.Parallel()
	for name, rest := range map[string]string{
		"Content-Length beside chunked": "Content-Length: 900\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		"the same Content-Length twice": "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
		"the same in one line":          "content-length: 2, 2\r\n\r\nok",
		"Content-Length with spaces":    "CONTENT-LENGTH :  2  \r\n\r\nok",
		"folded Content-Length":         "Content-Length:\r\n 2\r\n\r\nok",
		"folded header":                 "X: a\r\n\tb\r\n   c\r\nContent-Length: 2\r\n\r\nok",
		"LF only":                       "X: a\nContent-Length: 2\n\nok",
		"no length, closed":             "X: a\r\n\r\nok",
		"chunks with a trailer":         "Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n",
		"chunks with a broken trailer":  "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nnonsense",
		"chunk extension":               "Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\n\r\n",
		"a value of other bytes":        "X: \xff\xe7\t\r\nContent-Length: 2\r\n\r\nok",
		"a header line of 9 KB":         "X: " + strings.Repeat("x", 9000) + "\r\nContent-Length: 2\r\n\r\nok",
		"60 KiB of headers":             strings.Repeat("X-A: "+strings.Repeat("b", 1000)+"\r\n", 60) + "Content-Length: 2\r\n\r\nok",
		"more than Content-Length":      "Content-Length: 2\r\n\r\nokay",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, answering(ok+rest))
			got := newSender(t, attempt.Config{}).Send(t.Context(), newRequest(t, r.url))
			checkResult(t, got, attempt.Result{StatusCode: 200, ResponseBody: "ok"})
		})
	}
}

// Retry-After counts where it can be read, beside any fault of the header.
func TestRetryAfterOfAMalformedResponseCounts(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]string{
		"before the fault":            "Retry-After: 120\r\nX\r\nContent-Length: 0\r\n\r\n",
		"after the fault":             "\x00\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n",
		"wrong transfer coding":       "Transfer-Encoding: gzip, chunked\r\nRetry-After: 120\r\n\r\n0\r\n\r\n",
		"header that breaks off":      "Retry-After: 120\r\nConten",
		"folded":                      "Retry-After:\r\n 120\r\nX\r\n\r\n",
		"the first of two, malformed": "Retry-After: 120\r\nRetry-After: 9\r\nX\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, status := range []string{"429", "503"} {
				r := newReceiver(t, answering("HTTP/1.1 "+status+" X\r\n"+header))
				got := newSender(t, attempt.Config{}).Send(t.Context(), newRequest(t, r.url))
				if got.RetryAfter != 2*time.Minute || got.Fault == "" {
					t.Errorf("%s: RetryAfter %v, Fault %q, want 2 minutes and a fault", status, got.RetryAfter, got.Fault)
				}
			}
		})
	}
}

// A connection whose response was malformed, or has more bytes than it should, is not
// used again: the next response might begin anywhere.
func TestAConnectionAfterAMalformedResponseIsNotReused(t *testing.T) {
	t.Parallel()
	for name, rest := range map[string]string{
		"header without a colon":   "X\r\nContent-Length: 0\r\n\r\n",
		"two Content-Lengths":      "Content-Length: 0\r\nContent-Length: 3\r\n\r\n",
		"more than Content-Length": "Content-Length: 2\r\n\r\nokay",
		"a trailer":                "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n",
		"Connection: close":        "Content-Length: 0\r\nConnection: x, Close\r\n\r\n",
		"a second response":        "Content-Length: 0\r\n\r\n" + ok + "Content-Length: 0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, func(p *peer) {
				for p.readRequest() {
					p.write(ok + rest)
				}
			})
			sender := newSender(t, attempt.Config{})
			for range 3 {
				if got := sender.Send(t.Context(), newRequest(t, r.url)); got.StatusCode != 200 {
					t.Errorf("result = %+v", got)
				}
			}
			if n := r.conns.Load(); n != 3 {
				t.Errorf("%d connections for 3 attempts, want 3", n)
			}
		})
	}
}
