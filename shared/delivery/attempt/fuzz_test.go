package attempt

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "120", "86401", "-5", "99999999999999999999", "Fri, 02 Jan 2026 03:04:06 GMT", "Friday, 02-Jan-26 03:04:06 GMT", "Fri Jan  2 03:04:06 2026"} {
		f.Add(seed)
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value string) {
		if got := retryAfter(value, now); got < 0 || got > MaxRetryAfter {
			t.Errorf("retryAfter(%q) = %v, want 0 to %v", value, got, MaxRetryAfter)
		}
	})
}

func FuzzExcerpt(f *testing.F) {
	f.Add([]byte("环境 <&> 😀\xff\ufffe"), 7)
	f.Fuzz(func(t *testing.T, body []byte, limit int) {
		limit = limit&1023 + 1
		for _, more := range []bool{false, true} {
			got, cut := excerpt(body, limit, more)
			if !utf8.ValidString(got) || len(got) > limit || !cut && len(got) < len(body) && utf8.Valid(body) {
				t.Errorf("excerpt(%q, %d, %t) = %q, %v", body, limit, more, got, cut)
			}
		}
	})
}

// FuzzResponse compares the response reader with that of net/http: whatever net/http
// accepts is read in the same way, and nothing is wrong with it.
func FuzzResponse(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nX: y\r\n\r\n", "HTTP/1.0 503 \nRetry-After: 120\n\nfine",
		"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 410 Gone\r\nX: a\r\n b\r\n\r\n", "HTTP/1.1 429 X\r\nRetry-After:\r\n 9\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		r := bufio.NewReader(bytes.NewReader(answer))
		h, err := readHead(r)
		if err != nil {
			if want, wantErr := reference(answer); wantErr == nil && want.StatusCode >= 200 {
				t.Fatalf("%q is refused: %v", answer, err)
			}
			return
		}
		if h.status < 200 || h.status > 999 {
			t.Fatalf("%q has the status %d", answer, h.status)
		}
		b := newBody(&h, r)
		got, bodyErr := io.ReadAll(io.LimitReader(b, maxReadBytes))
		want, err := reference(answer)
		if err != nil || unlike(want, answer) {
			return
		}
		wantBody, wantErr := io.ReadAll(io.LimitReader(want.Body, maxReadBytes))
		if h.status != want.StatusCode || h.retryAfter != strings.TrimRight(want.Header.Get("Retry-After"), " \t") || !bytes.Equal(got, wantBody) {
			t.Errorf("%q: status %d, Retry-After %q, body %q; net/http reads %d, %q, %q",
				answer, h.status, h.retryAfter, got, want.StatusCode, want.Header.Get("Retry-After"), wantBody)
		}
		keeps := h.keepAlive() && b.coding != codingClose
		if wantErr == nil && (bodyErr != nil || h.fault != "" || keeps == want.Close) {
			t.Errorf("%q: error %v, fault %q, kept alive %t; net/http finds nothing wrong, and closes %t", answer, bodyErr, h.fault, keeps, want.Close)
		}
	})
}

// reference returns what net/http reads of answer.
func reference(answer []byte) (*http.Response, error) {
	r := bufio.NewReader(bytes.NewReader(answer))
	for {
		response, err := http.ReadResponse(r, &http.Request{Method: http.MethodPost})
		if err != nil || response.StatusCode < 100 || response.StatusCode >= 200 || response.StatusCode == http.StatusSwitchingProtocols {
			return response, err
		}
	}
}

// unlike reports whether answer is read otherwise on purpose: HTTP/1.0 with a transfer
// coding, spaces before a colon, versions that net/http closes, trailers, which are not
// read, and headers that are more than the limit.
func unlike(want *http.Response, answer []byte) bool {
	lower := strings.ToLower(string(answer))
	return want.ProtoMajor != 1 || want.ProtoMinor != 1 && strings.Contains(lower, "transfer-encoding") ||
		strings.Contains(lower, " :") || strings.Contains(lower, "\t:") || want.TransferEncoding != nil && strings.Contains(lower, "trailer") ||
		len(answer) > maxHeaderBytes
}
