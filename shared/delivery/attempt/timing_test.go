package attempt_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"webhooks/shared/delivery/attempt"
)

// parts says which parts of a Timing took time.
type parts struct{ dns, connect, tls, firstByte, reused bool }

func partsOf(t attempt.Timing) parts {
	return parts{t.DNS > 0, t.Connect > 0, t.TLS > 0, t.FirstByte > 0, t.Reused}
}

// A result says how long the parts of its attempt took. Together they took no longer than
// the attempt.
func TestTiming(t *testing.T) {
	t.Parallel()
	cert, pool := certificate(t, time.Now().Add(time.Hour))
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	plain := httptest.NewServer(answer)
	t.Cleanup(plain.Close)
	silent := newReceiver(t, func(p *peer) { p.readRequest() }) // and closes the connection
	refusing := newTLSReceiver(t, &tls.Config{Certificates: []tls.Certificate{cert}, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10})
	tests := []struct {
		name, url    string
		first, again parts // of two attempts
	}{
		{
			name: "an address", url: plain.URL,
			first: parts{connect: true, firstByte: true}, again: parts{firstByte: true, reused: true},
		},
		{
			name: "a name", url: strings.Replace(plain.URL, "127.0.0.1", "localhost", 1),
			first: parts{dns: true, connect: true, firstByte: true}, again: parts{firstByte: true, reused: true},
		},
		{
			name: "TLS", url: newTLSReceiver(t, &tls.Config{Certificates: []tls.Certificate{cert}}),
			first: parts{connect: true, tls: true, firstByte: true}, again: parts{firstByte: true, reused: true},
		},
		{name: "no answer", url: silent.url, first: parts{connect: true}, again: parts{connect: true}},
		{name: "a failed handshake", url: refusing, first: parts{connect: true, tls: true}, again: parts{connect: true, tls: true}},
		{name: "a refused address", url: "http://169.254.169.254/", first: parts{}, again: parts{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sender := newSender(t, attempt.Config{RootCAs: pool})
			for i, want := range []parts{tt.first, tt.again} {
				result := sender.Send(t.Context(), newRequest(t, tt.url))
				timing := result.Timing
				if got := partsOf(timing); got != want {
					t.Errorf("attempt %d has the parts %+v (%+v, %s), want %+v", i+1, got, timing, result.Problem(), want)
				}
				if sum := timing.DNS + timing.Connect + timing.TLS + timing.FirstByte; sum > result.ResponseTime {
					t.Errorf("the parts of attempt %d are %v together, and it took %v", i+1, sum, result.ResponseTime)
				}
			}
		})
	}
}
