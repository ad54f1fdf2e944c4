package attempt

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"reflect"
	"time"
)

const (
	// handshakeTimeout bounds a TLS handshake.
	handshakeTimeout = 5 * time.Second
	// helloTimeout is how long a receiver may leave the ClientHello unanswered before
	// the handshake is tried without the post-quantum key share.
	helloTimeout = 2 * time.Second
	// classicTime is how long a receiver is remembered that needs such a handshake.
	classicTime = time.Hour
	// maxHandshakeBytes bounds what a receiver sends in a handshake. A usual chain of
	// certificates has 2 to 8 KB. crypto/tls accepts 256 KiB, which can take 3.6 MB when
	// parsed: the attempts of one batch would use up the memory of the function.
	maxHandshakeBytes = 32 << 10
)

var errHandshakeSize = errors.New("the TLS handshake is too large")

// classicCurves are the key exchanges without a post-quantum share. With that share, a
// ClientHello has about 1,500 bytes and two packets, and some firewalls and load
// balancers drop the second one (https://tldr.fail).
var classicCurves = []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}

// handshakeError is the error of a TLS handshake. Its text has no word of the receiver:
// the errors of crypto/x509 quote the names in its certificate.
type handshakeError struct {
	failure    Failure
	unanswered bool // not a byte arrived
	alert      int  // of the receiver, 0 without one
}

func (e *handshakeError) Error() string { return logWords(e.failure, e.alert) }

// secure returns a TLS connection to address. If the connection is lost or nothing
// arrives after the ClientHello, it tries once more, on another connection and without
// the post-quantum share. If that is answered, it remembers the receiver.
func (s *Sender) secure(ctx context.Context, address, host string, timing *Timing) (*conn, error) {
	if s.classic.has(address, time.Now()) {
		return s.handshake(ctx, address, host, true, timing)
	}
	c, err := s.handshake(ctx, address, host, false, timing)
	var failed *handshakeError
	if err == nil || !errors.As(err, &failed) || !failed.unanswered || ctx.Err() != nil {
		return c, err
	}
	c, again := s.handshake(ctx, address, host, true, timing)
	if again == nil {
		s.classic.add(address, time.Now())
		return c, nil
	}
	if errors.As(again, &failed) && !failed.unanswered {
		s.classic.add(address, time.Now())
		return nil, again
	}
	return nil, err
}

// handshake dials address and makes a TLS handshake.
func (s *Sender) handshake(ctx context.Context, address, host string, classic bool, timing *Timing) (*conn, error) {
	c, err := s.dial(ctx, address, timing)
	if err != nil {
		return nil, err
	}
	cfg := s.tls.Clone()
	cfg.ServerName = host
	verifying(cfg, host)
	cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		c.asked.Store(true)
		return new(tls.Certificate), nil // none
	}
	if classic {
		cfg.CurvePreferences = classicCurves
		cfg.ClientSessionCache = nil // a ticket makes the ClientHello longer
	}
	bounded, cancel := context.WithTimeout(ctx, s.handshakeTimeout)
	defer cancel()
	if !classic {
		unanswered := time.AfterFunc(s.helloTimeout, func() {
			if c.raw.received.Load() == 0 {
				cancel()
			}
		})
		defer unanswered.Stop()
	}
	secured := tls.Client(c.raw, cfg)
	c.raw.shaking.Store(true)
	start := time.Now()
	err = secured.HandshakeContext(bounded)
	timing.TLS += time.Since(start)
	if err != nil {
		c.abort()
		return nil, c.refused(err, bounded.Err() != nil)
	}
	c.raw.shaking.Store(false)
	c.tls = secured
	return c, nil
}

// refused returns the error of a handshake that ended with err.
func (c *conn) refused(err error, late bool) *handshakeError {
	e := &handshakeError{unanswered: c.raw.received.Load() == 0}
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	alert, remote := remoteAlert(err)
	switch {
	case late || isTimeout(err):
		e.failure = FailureTLSTimeout
	case errors.As(err, &name):
		e.failure = FailureTLSName
	case errors.As(err, &authority):
		e.failure = FailureTLSAuthority
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		e.failure = FailureTLSExpired
	case errors.As(err, &verification), errors.Is(err, errHandshakeSize):
		e.failure = FailureTLSCertificate
	case errors.As(err, &record):
		e.failure = FailureTLSPlain
	case remote:
		e.failure, e.alert = c.alerted(alert), alert
	case isConnectionLost(err):
		e.failure = FailureTLSClosed
	case noCommonGround[int(c.raw.alert.Load())-1]:
		e.failure = FailureTLSVersion
	default:
		e.failure = FailureTLS
	}
	return e
}

// alerted returns the Failure of a TLS alert of the receiver.
func (c *conn) alerted(alert int) Failure {
	switch {
	case alert == alertCertificateRequired || c.asked.Load():
		return FailureTLSClientCert
	case noCommonGround[alert]:
		return FailureTLSVersion
	}
	return FailureTLS
}

// Alerts of RFC 8446 §6.2.
const alertCertificateRequired = 116

// noCommonGround has the alerts handshake_failure, protocol_version and
// insufficient_security.
var noCommonGround = map[int]bool{40: true, 70: true, 71: true}

// remoteAlert returns the TLS alert in err, if the receiver sent one. The type of the
// alert in the error of crypto/tls is not exported, but is a number.
func remoteAlert(err error) (alert int, is bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return 0, false
	}
	value := reflect.ValueOf(op.Err)
	if value.Kind() != reflect.Uint8 {
		return 0, true
	}
	return int(value.Uint()), true
}
