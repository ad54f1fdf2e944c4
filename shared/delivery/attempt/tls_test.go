package attempt_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"webhooks/shared/delivery/attempt"
)

// certificate returns a self-signed certificate for 127.0.0.1 and a pool that trusts
// it.
func certificate(t *testing.T, notAfter time.Time) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-48 * time.Hour),
		NotAfter:     notAfter,
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:         true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool
}

func TestSendOverTLS(t *testing.T) {
	t.Parallel()
	delivered := attempt.Result{StatusCode: 200, ResponseBody: "HTTP/1.1"}
	failed := attempt.Result{Failure: attempt.FailureTLS}
	day := 24 * time.Hour
	tests := []struct {
		name    string
		validTo time.Duration
		host    string // instead of 127.0.0.1
		unknown bool   // the certificate's issuer is not trusted
		server  *tls.Config
		want    attempt.Result
	}{
		{name: "TLS 1.3", validTo: day, server: &tls.Config{MinVersion: tls.VersionTLS13}, want: delivered},
		{name: "TLS 1.2", validTo: day, server: &tls.Config{MaxVersion: tls.VersionTLS12}, want: delivered},
		{name: "a server that prefers HTTP/2", validTo: day, server: &tls.Config{NextProtos: []string{"h2", "http/1.1"}}, want: delivered},
		{name: "TLS 1.1", validTo: day, server: &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, want: failed},
		{name: "TLS 1.0", validTo: day, server: &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, want: failed},
		{name: "wrong name", validTo: day, host: "localhost", server: &tls.Config{}, want: failed},
		{name: "expired", validTo: -day, server: &tls.Config{}, want: failed},
		{name: "unknown issuer", validTo: day, unknown: true, server: &tls.Config{}, want: failed},
		{name: "client certificate wanted, TLS 1.3", validTo: day, server: &tls.Config{ClientAuth: tls.RequireAnyClientCert}, want: failed},
		{name: "client certificate wanted, TLS 1.2", validTo: day, server: &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}, want: failed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, r.Proto)
			}))
			cert, pool := certificate(t, time.Now().Add(tt.validTo))
			tt.server.Certificates = []tls.Certificate{cert}
			server.TLS = tt.server
			server.EnableHTTP2 = len(tt.server.NextProtos) > 0
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.StartTLS()
			t.Cleanup(server.Close)
			url := server.URL
			if tt.host != "" {
				url = strings.Replace(url, "127.0.0.1", tt.host, 1)
			}
			if tt.unknown {
				pool = nil
			}
			checkResult(t, newSender(t, attempt.Config{RootCAs: pool}).Send(t.Context(), newRequest(t, url)), tt.want)
		})
	}
}

func TestSendOverBrokenTLS(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		timeout time.Duration
		serve   func(p *peer)
		want    attempt.Failure
	}{
		{name: "plain HTTP", serve: func(p *peer) { p.write("HTTP/1.1 400 Bad Request\r\n\r\n"); p.untilClosed() }, want: attempt.FailureTLS},
		{name: "not TLS", serve: func(p *peer) { p.write(strings.Repeat("x", 100)); p.untilClosed() }, want: attempt.FailureTLS},
		{name: "closed at the ClientHello", serve: func(p *peer) { _, _ = p.reader.Peek(1) }, want: attempt.FailureReset},
		{name: "reset at the ClientHello", serve: func(p *peer) { _, _ = p.reader.Peek(1); p.reset() }, want: attempt.FailureReset},
		{name: "silence", timeout: 200 * time.Millisecond, serve: (*peer).untilClosed, want: attempt.FailureTimeout},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, tt.serve)
			url := strings.Replace(r.url, "http://", "https://", 1)
			got := newSender(t, attempt.Config{Timeout: tt.timeout}).Send(t.Context(), newRequest(t, url))
			checkResult(t, got, attempt.Result{Failure: tt.want})
			if n := r.conns.Load(); n != 1 {
				t.Errorf("%d connections, want 1", n)
			}
		})
	}
}
