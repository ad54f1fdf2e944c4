package attempt_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"webhooks/shared/delivery/attempt"
	"webhooks/shared/guard"
	"webhooks/shared/webhook/signature"
)

// counted returns a server with handler and the number of its requests.
func counted(t testing.TB, handler http.HandlerFunc) (*httptest.Server, *atomic.Int32) {
	t.Helper()
	n := new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		handler(w, r)
	}))
	t.Cleanup(server.Close)
	return server, n
}

// The request arrives byte for byte, and the reference library of Standard Webhooks
// verifies it.
func TestSendArrives(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		body []byte
	}{
		{name: "an event", body: []byte(`{"type":"training.failed","timestamp":"2026-01-02T03:04:05Z","data":{"名":"é\/<>"}}`)},
		{name: "256 KiB of binary", body: bytes.Repeat([]byte("\x00\xff\r\n"), 64<<10)},
		{name: "nothing", body: []byte{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			const raw = "your-secret-key"
			server, n := counted(t, func(_ http.ResponseWriter, r *http.Request) { checkArrived(t, r, tt.body, raw, secret) })
			request := newRequest(t, server.URL+"/hook?a=b%20c")
			rawKey, err := signature.ParseSecret(raw)
			if err != nil {
				t.Fatal(err)
			}
			request.Keys = append([]signature.Key{rawKey}, request.Keys...)
			request.Body = tt.body
			got := newSender(t, attempt.Config{UserAgent: "Webhooks/9.9"}).Send(t.Context(), request)
			checkResult(t, got, attempt.Result{StatusCode: 200})
			if n.Load() != 1 {
				t.Errorf("received %d requests, want 1", n.Load())
			}
		})
	}
}

func checkArrived(t *testing.T, r *http.Request, body []byte, raw, encoded string) {
	t.Helper()
	received, err := io.ReadAll(r.Body)
	if err != nil || !bytes.Equal(received, body) {
		t.Errorf("received %d bytes (%v), want the %d sent", len(received), err, len(body))
	}
	byRaw, rawErr := standardwebhooks.NewWebhookRaw([]byte(raw))
	byEncoded, encodedErr := standardwebhooks.NewWebhook(encoded)
	if rawErr != nil || encodedErr != nil {
		t.Fatal(rawErr, encodedErr)
	}
	for _, verifier := range []*standardwebhooks.Webhook{byRaw, byEncoded} {
		if err := verifier.Verify(received, r.Header); err != nil {
			t.Errorf("verify: %v", err)
		}
	}
	got := strings.Join([]string{
		r.Method, r.Proto, r.RequestURI, strconv.FormatInt(r.ContentLength, 10),
		r.Header.Get("webhook-id"), r.Header.Get("content-type"), r.Header.Get("user-agent"),
	}, " ")
	want := "POST HTTP/1.1 /hook?a=b%20c " + strconv.Itoa(len(body)) + " evt_1 application/json Webhooks/9.9"
	if got != want {
		t.Errorf("request = %q, want %q", got, want)
	}
	// The sixth header is Content-Length. There is no Accept-Encoding, and no
	// Idempotency-Key, with which net/http would repeat the request.
	if len(r.Header) != 6 {
		t.Errorf("headers = %v, want five and Content-Length", r.Header)
	}
}

func TestSendFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	target, reached := counted(t, func(http.ResponseWriter, *http.Request) {})
	for _, status := range []int{300, 301, 302, 303, 304, 307, 308} {
		server, n := counted(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", target.URL)
			w.WriteHeader(status)
		})
		got := newSender(t, attempt.Config{}).Send(t.Context(), newRequest(t, server.URL))
		checkResult(t, got, attempt.Result{StatusCode: status})
		if n.Load() != 1 {
			t.Errorf("%d: received %d requests, want 1", status, n.Load())
		}
	}
	if reached.Load() != 0 {
		t.Errorf("%d redirects were followed", reached.Load())
	}
}

func TestSendKeepsAnExcerpt(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("ä", 150<<10) // 300 KiB
	tests := []struct {
		name      string
		limit     int
		body      string
		want      string
		truncated bool
	}{
		{name: "exactly the default limit", body: strings.Repeat("a", 512), want: strings.Repeat("a", 512)},
		{name: "one byte more", body: strings.Repeat("a", 513), want: strings.Repeat("a", 512), truncated: true},
		{name: "character across the limit", limit: 5, body: "ab密密", want: "ab密", truncated: true},
		{name: "character ends beyond the limit", limit: 4, body: "ab密", want: "ab", truncated: true},
		{name: "300 KiB", limit: 7, body: large, want: "äää", truncated: true},
		{name: "above the largest limit", limit: 1 << 20, body: large, want: strings.Repeat("ä", 2<<10), truncated: true},
		{name: "invalid bytes grow when replaced", limit: 6, body: "a\xffb\xffc", want: "a\uFFFDb", truncated: true},
		{name: "many invalid bytes", limit: 6, body: "\x00" + strings.Repeat("\xff", 500), want: "\x00\uFFFD", truncated: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server, _ := counted(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, tt.body) })
			got := newSender(t, attempt.Config{BodyLimit: tt.limit}).Send(t.Context(), newRequest(t, server.URL))
			checkResult(t, got, attempt.Result{StatusCode: 200, ResponseBody: tt.want, Truncated: tt.truncated})
		})
	}
}

func TestSendReadsRetryAfter(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 301, 429, 500, 502, 503} {
		server, _ := counted(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", " 120 ")
			w.WriteHeader(status)
		})
		want := attempt.Result{StatusCode: status}
		if status == 429 || status == 503 {
			want.RetryAfter = 2 * time.Minute
		}
		checkResult(t, newSender(t, attempt.Config{}).Send(t.Context(), newRequest(t, server.URL)), want)
	}
}

func TestSendWithoutAConnection(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().String()
	listener.Close()
	tests := []struct {
		name string
		url  string
		want attempt.Failure
	}{
		{name: "closed port", url: "http://" + closed, want: attempt.FailureConnect},
		{name: "closed port, with TLS", url: "https://" + closed, want: attempt.FailureConnect},
		{name: "private address", url: "http://10.0.0.1/", want: attempt.FailureRefused},
		{name: "not a URL", url: "http://a b", want: attempt.FailureURL},
		{name: "no URL", url: "", want: attempt.FailureURL},
		{name: "another scheme", url: "ftp://example.com/", want: attempt.FailureURL},
		{name: "user info", url: "https://user:password@example.com/", want: attempt.FailureURL},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			checkResult(t, newSender(t, attempt.Config{}).Send(t.Context(), newRequest(t, tt.url)), attempt.Result{Failure: tt.want})
		})
	}
}

// A request that cannot be signed is not sent. That, and a context that ends, is not
// the receiver's failure.
func TestSendReportsOurOwnErrors(t *testing.T) {
	t.Parallel()
	server, n := counted(t, func(http.ResponseWriter, *http.Request) {})
	send := func(ctx context.Context, change func(*attempt.Request)) {
		t.Helper()
		request := newRequest(t, server.URL)
		change(&request)
		checkResult(t, newSender(t, attempt.Config{}).Send(ctx, request), attempt.Result{Failure: attempt.FailureInternal})
	}
	send(t.Context(), func(r *attempt.Request) { r.Keys = nil })
	send(t.Context(), func(r *attempt.Request) { r.Keys = []signature.Key{{}} })
	send(t.Context(), func(r *attempt.Request) { r.ID = "" })
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	send(canceled, func(*attempt.Request) {})
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	send(late, func(*attempt.Request) {})
	if n.Load() != 0 {
		t.Errorf("%d requests arrived", n.Load())
	}
}

// The function's own Runtime API gets no request, directly or by a redirect, even with
// AllowLocal.
func TestSendNeverReachesTheRuntimeAPI(t *testing.T) {
	t.Parallel()
	runtimeAPI, reached := counted(t, func(http.ResponseWriter, *http.Request) {})
	address := strings.TrimPrefix(runtimeAPI.URL, "http://")
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	g, err := guard.New(guard.Config{AllowLocal: true, OwnEndpoints: []string{address}})
	if err != nil {
		t.Fatal(err)
	}
	sender := attempt.New(g, attempt.Config{Timeout: patience})
	for _, host := range []string{"127.0.0.1", "127.0.0.2", "localhost", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]"} {
		got := sender.Send(t.Context(), newRequest(t, "http://"+host+":"+port+"/2018-06-01/runtime/invocation/next"))
		checkResult(t, got, attempt.Result{Failure: attempt.FailureRefused})
	}
	redirecting, _ := counted(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, runtimeAPI.URL, http.StatusTemporaryRedirect)
	})
	checkResult(t, sender.Send(t.Context(), newRequest(t, redirecting.URL)), attempt.Result{StatusCode: 307})
	if reached.Load() != 0 {
		t.Errorf("the Runtime API got %d requests", reached.Load())
	}
}
