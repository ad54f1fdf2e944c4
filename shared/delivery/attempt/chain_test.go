package attempt_test

import (
	"crypto/tls"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"testing"
	"time"

	"webhooks/shared/delivery/attempt"
)

// padding returns a certificate that has about size bytes, mostly of empty names, which
// take many times their size when they are parsed.
func padding(t *testing.T, size int) []byte {
	t.Helper()
	names := make([]pkix.AttributeTypeAndValue, size/24) // as the subject and as the issuer
	for i := range names {
		names[i] = pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "x"}
	}
	cert, _ := certificateOf(t, func(template *x509Template) {
		template.SerialNumber = big.NewInt(2)
		template.Subject.ExtraNames = names
	})
	return cert.Certificate[0]
}

// A receiver may send any certificates beside its valid one. They are kept as long as
// the connection and its session, each may be tried as an issuer, and one batch has a
// hundred connections.
func TestSendBoundsTheHandshake(t *testing.T) {
	t.Parallel()
	accepted := attempt.Result{StatusCode: 200, ResponseBody: "HTTP/1.1"}
	refused := attempt.Result{Failure: attempt.FailureTLSCertificate}
	for name, tt := range map[string]struct {
		size, count int
		want        attempt.Result
	}{
		"usual chain":       {size: 2_000, count: 3, want: accepted},
		"long chain":        {size: 8_000, count: 3, want: accepted},
		"longest chain":     {size: 300, count: 9, want: accepted},
		"one more":          {size: 300, count: 10, want: refused},
		"large certificate": {size: 200_000, count: 1, want: refused},
		"many certificates": {size: 2_000, count: 30, want: refused},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(fmt.Sprintf("%s, %s", name, tls.VersionName(version)), func(t *testing.T) {
				t.Parallel()
				cert, pool := certificate(t, time.Now().Add(time.Hour))
				for range tt.count {
					cert.Certificate = append(cert.Certificate, padding(t, tt.size))
				}
				url := newTLSReceiver(t, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: version, MaxVersion: version})
				checkResult(t, newSender(t, attempt.Config{RootCAs: pool}).Send(t.Context(), newRequest(t, url)), tt.want)
			})
		}
	}
}
