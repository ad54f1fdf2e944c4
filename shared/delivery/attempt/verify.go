package attempt

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
)

// maxCertificates bounds the certificates that a receiver sends. A usual chain has two
// to four.
const maxCertificates = 10

var errTooManyCertificates = errors.New("the receiver sends too many certificates")

// verifying makes cfg verify the certificates of a receiver for host as crypto/tls does
// (https://pkg.go.dev/crypto/tls#example-Config-VerifyConnection), but only if they are
// few. crypto/tls takes every certificate that a receiver sends for a possible issuer,
// and checks up to 100 signatures: sixty wrong issuers with P-521 keys take 150 ms of a
// whole processor, and the deliveries of a batch share a seventh of one.
//
// A resumed session is verified again.
func verifying(cfg *tls.Config, host string) {
	cfg.InsecureSkipVerify = true // what VerifyConnection replaces
	cfg.VerifyConnection = func(state tls.ConnectionState) error {
		chain := state.PeerCertificates
		if len(chain) == 0 || len(chain) > maxCertificates {
			return &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: errTooManyCertificates}
		}
		options := x509.VerifyOptions{DNSName: host, Roots: cfg.RootCAs, Intermediates: x509.NewCertPool()}
		for _, issuer := range chain[1:] {
			options.Intermediates.AddCert(issuer)
		}
		if _, err := chain[0].Verify(options); err != nil {
			return &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: err}
		}
		return nil
	}
}
