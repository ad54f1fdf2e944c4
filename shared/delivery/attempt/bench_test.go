package attempt_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"webhooks/shared/delivery/attempt"
)

// BenchmarkSend measures attempts on kept-alive and on new connections, with and
// without TLS, and of a small and of the largest event.
func BenchmarkSend(b *testing.B) {
	for _, bb := range []struct {
		name  string
		tls   bool
		fresh bool
		body  []byte
	}{
		{name: "kept alive"},
		{name: "kept alive, TLS", tls: true},
		{name: "256 KiB", body: bytes.Repeat([]byte("x"), 256<<10)},
		{name: "256 KiB, TLS", tls: true, body: bytes.Repeat([]byte("x"), 256<<10)},
		{name: "new connection", fresh: true},
		{name: "new connection, TLS", tls: true, fresh: true},
	} {
		b.Run(bb.name, func(b *testing.B) {
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
			}))
			server.Config.SetKeepAlivesEnabled(!bb.fresh)
			cfg := attempt.Config{}
			if bb.tls {
				cert, pool := certificate(b, time.Now().Add(time.Hour))
				cfg.RootCAs, server.TLS = pool, &tls.Config{Certificates: []tls.Certificate{cert}}
				server.StartTLS()
			} else {
				server.Start()
			}
			defer server.Close()
			sender := newSender(b, cfg)
			request := newRequest(b, server.URL)
			if bb.body != nil {
				request.Body = bb.body
			}
			b.ReportAllocs()
			for b.Loop() {
				if got := sender.Send(b.Context(), request); got.StatusCode != 200 {
					b.Fatal(got)
				}
			}
		})
	}
}
