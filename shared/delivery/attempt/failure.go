package attempt

import (
	"strconv"
	"strings"
)

// Failure is the reason why an attempt got no response, or what was wrong with its
// response. Logs store the values, so they never change.
type Failure string

// The reasons why an attempt got no response. All but FailureURL and FailureRefused may
// be temporary. FailureHeld and FailurePaceFull are only in logs of deliveries without an
// attempt.
const (
	FailureDNS      Failure = "dns"      // the receiver's name could not be looked up
	FailureConnect  Failure = "connect"  // no connection to the receiver, or no permitted one
	FailureIPv6     Failure = "ipv6"     // no connection, and the name has only IPv6 addresses
	FailureSend     Failure = "send"     // the receiver did not take the whole request in time
	FailureTimeout  Failure = "timeout"  // no response in time
	FailureReset    Failure = "reset"    // the connection was lost; also the Fault of a response that breaks off
	FailureProtocol Failure = "protocol" // the response was not HTTP, or had no final status
	FailureURL      Failure = "url"      // guard.CheckURL refuses the URL
	FailureRefused  Failure = "refused"  // guard.CheckURL refuses the address in the URL
	FailureInternal Failure = "internal" // our own error, or the caller's context ended
	FailureHeld     Failure = "held"     // held back by the circuit breaker

	// FailurePaceFull says that the rate limit has no slot while the event is kept.
	FailurePaceFull Failure = "rate_limit_full"
)

// The reasons why there was no TLS.
const (
	FailureTLS            Failure = "tls"             // none of those below
	FailureTLSTimeout     Failure = "tls_timeout"     // the handshake was not complete in time
	FailureTLSClosed      Failure = "tls_closed"      // the connection was lost during the handshake
	FailureTLSPlain       Failure = "tls_plain"       // the answer was not TLS
	FailureTLSVersion     Failure = "tls_version"     // no common version or cipher
	FailureTLSClientCert  Failure = "tls_client_cert" // the receiver wants a client certificate
	FailureTLSName        Failure = "tls_name"        // the certificate is for other names
	FailureTLSExpired     Failure = "tls_expired"     // the certificate has expired or is not valid yet
	FailureTLSAuthority   Failure = "tls_authority"   // unknown issuer, or an incomplete chain
	FailureTLSCertificate Failure = "tls_certificate" // the certificate is invalid in another way
)

// What can be wrong with a response whose status was read. FaultLine is followed by the
// number of the line, see faultyLine.
const (
	FaultLine             Failure = "header_line:"      // a header line that is not "name: value"
	FaultHeaderSize       Failure = "header_size"       // more than 64 KiB of header
	FaultHeaderTimeout    Failure = "header_timeout"    // the header was not complete in time
	FaultContentLength    Failure = "content_length"    // not a number, or several
	FaultTransferEncoding Failure = "transfer_encoding" // not just "chunked"
	FaultChunk            Failure = "chunk"             // the chunked body is malformed
	FaultBodyTimeout      Failure = "body_timeout"      // the body was not complete in time
)

// faultyLine returns the Fault of a malformed header line. The status line is line 1.
func faultyLine(number int) Failure { return FaultLine + Failure(strconv.Itoa(number)) }

// split returns a Failure without the number of its line, and the number.
func (f Failure) split() (base Failure, number string) {
	if i := strings.IndexByte(string(f), ':') + 1; i > 0 {
		return f[:i], string(f[i:])
	}
	return f, ""
}

// Permanent reports whether every further attempt would fail in the same way. A name
// whose address the guard refused does not count: another answer of the DNS, which may
// be wrong for a while, ends that.
func (f Failure) Permanent() bool { return f == FailureURL || f == FailureRefused }
