package attempt_test

import (
	"cmp"
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

type x509Template = x509.Certificate

// certificate returns a self-signed certificate for 127.0.0.1 and a pool that trusts
// it.
func certificate(t testing.TB, notAfter time.Time) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	return certificateOf(t, func(template *x509Template) { template.NotAfter = notAfter })
}

// certificateOf returns a certificate that change has changed.
func certificateOf(t testing.TB, change func(*x509Template)) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-48 * time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:         true, BasicConstraintsValid: true,
	}
	change(template)
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

// newTLSReceiver returns the URL of a server with cfg that answers with its protocol.
func newTLSReceiver(t testing.TB, cfg *tls.Config) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto)
	}))
	server.TLS = cfg
	server.EnableHTTP2 = len(cfg.NextProtos) > 0
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

func TestSendOverTLS(t *testing.T) {
	t.Parallel()
	delivered := attempt.Result{StatusCode: 200, ResponseBody: "HTTP/1.1"}
	failed := func(f attempt.Failure) attempt.Result { return attempt.Result{Failure: f} }
	day := 24 * time.Hour
	tests := []struct {
		name    string
		validTo time.Duration
		host    string // instead of 127.0.0.1
		unknown bool   // the certificate's issuer is not trusted
		change  func(*x509Template)
		server  *tls.Config
		want    attempt.Result
	}{
		{name: "TLS 1.3", server: &tls.Config{MinVersion: tls.VersionTLS13}, want: delivered},
		{name: "TLS 1.2", server: &tls.Config{MaxVersion: tls.VersionTLS12}, want: delivered},
		{name: "a server that prefers HTTP/2", server: &tls.Config{NextProtos: []string{"h2", "http/1.1"}}, want: delivered},
		{name: "a client certificate is wished", server: &tls.Config{ClientAuth: tls.RequestClientCert}, want: delivered},
		{name: "TLS 1.1", server: &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, want: failed(attempt.FailureTLSVersion)},
		{name: "TLS 1.0", server: &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, want: failed(attempt.FailureTLSVersion)},
		{name: "only old ciphers", server: &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_RC4_128_SHA}}, want: failed(attempt.FailureTLSVersion)},
		{name: "wrong name", host: "localhost", server: &tls.Config{}, want: failed(attempt.FailureTLSName)},
		{name: "no name at all", change: func(c *x509Template) { c.IPAddresses = nil }, server: &tls.Config{}, want: failed(attempt.FailureTLSName)},
		{name: "expired", validTo: -day, server: &tls.Config{}, want: failed(attempt.FailureTLSExpired)},
		{name: "not valid yet", change: func(c *x509Template) { c.NotBefore = c.NotAfter.Add(-time.Hour) }, server: &tls.Config{}, want: failed(attempt.FailureTLSExpired)},
		{name: "unknown issuer", unknown: true, server: &tls.Config{}, want: failed(attempt.FailureTLSAuthority)},
		{name: "certificate for other purposes", change: func(c *x509Template) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning} }, server: &tls.Config{}, want: failed(attempt.FailureTLSCertificate)},
		{name: "client certificate wanted, TLS 1.3", server: &tls.Config{ClientAuth: tls.RequireAnyClientCert}, want: failed(attempt.FailureTLSClientCert)},
		{name: "client certificate wanted, TLS 1.2", server: &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}, want: failed(attempt.FailureTLSClientCert)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cert, pool := certificateOf(t, func(c *x509Template) {
				if c.NotAfter = time.Now().Add(cmp.Or(tt.validTo, day)); tt.change != nil {
					tt.change(c)
				}
			})
			tt.server.Certificates = []tls.Certificate{cert}
			url := newTLSReceiver(t, tt.server)
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

// An old server that answers with its own version instead of an alert.
func TestAnOldServerWithoutAnAlert(t *testing.T) {
	t.Parallel()
	// A record with a ServerHello of TLS 1.1: version, random, no session, a cipher.
	hello := "\x03\x02" + strings.Repeat("r", 32) + "\x00\xc0\x13\x00"
	message := "\x02\x00\x00" + string(rune(len(hello))) + hello
	r := newReceiver(t, answeringAtOnce("\x16\x03\x02\x00"+string(rune(len(message)))+message))
	got := newSender(t, attempt.Config{}).Send(t.Context(), newRequest(t, strings.Replace(r.url, "http://", "https://", 1)))
	checkResult(t, got, attempt.Result{Failure: attempt.FailureTLSVersion})
}

func TestSendOverBrokenTLS(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		timeout time.Duration
		serve   func(p *peer)
		want    attempt.Failure
		conns   int32
	}{
		{name: "plain HTTP", serve: func(p *peer) { p.write("HTTP/1.1 400 Bad Request\r\n\r\n"); p.untilClosed() }, want: attempt.FailureTLSPlain, conns: 1},
		{name: "not TLS", serve: func(p *peer) { p.write(strings.Repeat("x", 100)); p.untilClosed() }, want: attempt.FailureTLSPlain, conns: 1},
		{name: "an alert", serve: func(p *peer) { _, _ = p.reader.Peek(1); p.write("\x15\x03\x03\x00\x02\x02\x28"); p.untilClosed() }, want: attempt.FailureTLSVersion, conns: 1},
		{name: "an unknown alert", serve: func(p *peer) { _, _ = p.reader.Peek(1); p.write("\x15\x03\x03\x00\x02\x02\xff"); p.untilClosed() }, want: attempt.FailureTLS, conns: 1},
		{name: "nonsense in a record", serve: func(p *peer) { p.write("\x16\x03\x03\x00\x04\xff\x00\x00\x00"); p.untilClosed() }, want: attempt.FailureTLS, conns: 1},
		{name: "closed within its answer", serve: func(p *peer) { _, _ = p.reader.Peek(1); p.write("\x16\x03"); p.CloseWrite(); p.untilClosed() }, want: attempt.FailureTLSClosed, conns: 1},
		{name: "closed at the ClientHello", serve: func(p *peer) { _, _ = p.reader.Peek(1) }, want: attempt.FailureTLSClosed, conns: 2},
		{name: "reset at the ClientHello", serve: func(p *peer) { _, _ = p.reader.Peek(1); p.reset() }, want: attempt.FailureTLSClosed, conns: 2},
		{name: "silence", timeout: 200 * time.Millisecond, serve: (*peer).untilClosed, want: attempt.FailureTLSTimeout, conns: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, tt.serve)
			url := strings.Replace(r.url, "http://", "https://", 1)
			got := newSender(t, attempt.Config{Timeout: tt.timeout}).Send(t.Context(), newRequest(t, url))
			checkResult(t, got, attempt.Result{Failure: tt.want})
			if n := r.conns.Load(); n != tt.conns {
				t.Errorf("%d connections, want %d", n, tt.conns)
			}
		})
	}
}
