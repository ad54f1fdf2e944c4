package attempt

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"

	"webhooks/shared/apperr/locale"
	"webhooks/shared/guard"
)

// Failure is the reason why an attempt got no response. The values are stored in
// logs and do not change.
type Failure string

// The failures. All but FailureURL and FailureRefused may be over at the next
// attempt. No attempt has FailureHeld: it stands in the log of a delivery that is
// held back without one.
const (
	FailureTimeout  Failure = "timeout"  // the time of the attempt was up
	FailureDNS      Failure = "dns"      // the receiver's name could not be looked up
	FailureConnect  Failure = "connect"  // no connection to the receiver
	FailureTLS      Failure = "tls"      // no TLS, an old version, or a bad certificate
	FailureReset    Failure = "reset"    // the connection was lost
	FailureProtocol Failure = "protocol" // the answer was not HTTP, or its header too large
	FailureURL      Failure = "url"      // the URL is not one that guard.CheckURL accepts
	FailureRefused  Failure = "refused"  // the guard refused the address; reads like FailureConnect
	FailureInternal Failure = "internal" // our fault: the attempt was cut off or never made
	FailureHeld     Failure = "held"     // held back after too many failures in a row
)

// Failures returns every Failure.
func Failures() []Failure {
	return []Failure{
		FailureTimeout, FailureDNS, FailureConnect, FailureTLS, FailureReset,
		FailureProtocol, FailureURL, FailureRefused, FailureInternal, FailureHeld,
	}
}

// Permanent tells whether the same attempt would fail the same way for ever.
func (f Failure) Permanent() bool { return f == FailureURL || f == FailureRefused }

// Text returns the sentence that a customer reads. It is the same for a refused
// address, a closed port and a blocked one: the difference would map our network.
// Of the empty Failure it is empty.
func (f Failure) Text() locale.Text {
	switch f {
	case "":
		return locale.Text{}
	case FailureTimeout:
		return locale.Text{
			Chinese: "接收方未在规定时间内完成响应",
			English: "The receiver did not complete its response in time",
		}
	case FailureDNS:
		return locale.Text{
			Chinese: "无法解析接收方的域名",
			English: "The receiver's host name could not be resolved",
		}
	case FailureConnect, FailureRefused:
		return locale.Text{
			Chinese: "无法连接到接收方",
			English: "No connection to the receiver could be made",
		}
	case FailureTLS:
		return locale.Text{
			Chinese: "与接收方的 TLS 握手失败：请检查证书的域名、有效期和证书链，并支持 TLS 1.2 或更高版本",
			English: "The TLS handshake with the receiver failed: check the certificate's name, validity and chain, and support TLS 1.2 or later",
		}
	case FailureReset:
		return locale.Text{
			Chinese: "接收方在响应完成之前断开了连接",
			English: "The receiver closed the connection before its response was complete",
		}
	case FailureProtocol:
		return locale.Text{
			Chinese: "接收方返回的内容不是有效的 HTTP 响应，或响应头过大",
			English: "The receiver's answer was not a valid HTTP response, or its header was too large",
		}
	case FailureURL:
		return locale.Text{
			Chinese: "该 URL 不符合要求，未发送请求",
			English: "The URL is not acceptable; no request was sent",
		}
	case FailureHeld:
		return locale.Text{
			Chinese: "接收方连续多次失败，投递已暂缓，未发送请求；接收方恢复后会继续投递，否则在重试期限结束时再尝试最后一次",
			English: "The receiver failed many times in a row: the delivery is held back without a request, and goes on when the receiver has recovered, or with a last attempt when the time for retries is over",
		}
	default:
		return locale.Text{
			Chinese: "服务内部原因导致本次投递未完成",
			English: "The attempt was not completed for a reason on our side",
		}
	}
}

// handshakeError marks an error of the TLS handshake: most of them have no type.
type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return "tls handshake: " + e.err.Error() }
func (e *handshakeError) Unwrap() error { return e.err }

// failureOf classifies err, which ended an attempt. ctx is the caller's;
// answered tells whether a byte of the response had come.
func failureOf(ctx context.Context, err error, answered bool) Failure {
	var dns *net.DNSError
	var op *net.OpError
	var handshake *handshakeError
	switch {
	case errors.Is(err, guard.ErrRefused):
		return FailureRefused
	case ctx.Err() != nil:
		return FailureInternal
	case errors.As(err, &dns):
		return FailureDNS
	case errors.As(err, &op) && op.Op == "dial":
		return FailureConnect
	case isTimeout(err):
		return FailureTimeout
	case errors.As(err, &handshake):
		if isLost(err) {
			return FailureReset
		}
		return FailureTLS
	case errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"):
		return FailureTLS // an alert: with TLS 1.3 a client is refused after the handshake
	case isLost(err):
		return FailureReset
	case answered:
		return FailureProtocol
	default:
		// The connection ended before an answer: net/http has no exported error for
		// a kept-alive one that the receiver closed at the same moment.
		return FailureReset
	}
}

// maxErrBytes bounds what a receiver's certificate can write into our log.
const maxErrBytes = 300

// errNotHTTP stands for the errors of an answer that is no HTTP.
var errNotHTTP = errors.New("the answer is not HTTP, or its header is too large")

// forLog returns err as it may be logged. net/http quotes an answer that it cannot
// read, and a receiver may answer with the very event and signature it was sent.
func forLog(err error, failure Failure) error {
	if failure == FailureProtocol {
		return errNotHTTP
	}
	if text := err.Error(); len(text) > maxErrBytes {
		return errors.New(strings.ToValidUTF8(text[:maxErrBytes], "") + "…")
	}
	return err
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &timeout) && timeout.Timeout()
}

// isLost tells whether err is of the connection itself, not of what came over it.
func isLost(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.As(err, &op) && (op.Op == "read" || op.Op == "write")
}
