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

// Failure is the reason why an attempt got no response. Logs store the values, so
// they never change.
type Failure string

// The failures. All but FailureURL and FailureRefused may be temporary. FailureHeld is
// only in logs of deliveries that are held back without an attempt.
const (
	FailureTimeout  Failure = "timeout"  // the attempt took longer than Config.Timeout
	FailureDNS      Failure = "dns"      // the receiver's name could not be looked up
	FailureConnect  Failure = "connect"  // no connection to the receiver
	FailureTLS      Failure = "tls"      // no TLS, an old version, or an invalid certificate
	FailureReset    Failure = "reset"    // the connection was lost
	FailureProtocol Failure = "protocol" // the response was not HTTP, or its header too large
	FailureURL      Failure = "url"      // guard.CheckURL refuses the URL
	FailureRefused  Failure = "refused"  // the guard refused the address
	FailureInternal Failure = "internal" // our own error, or the caller's context ended
	FailureHeld     Failure = "held"     // held back by the circuit breaker
)

// Permanent reports whether every further attempt would fail in the same way.
func (f Failure) Permanent() bool { return f == FailureURL || f == FailureRefused }

// Text returns the sentence that customers read, or an empty one for the empty
// Failure. An unknown Failure, which a newer release may have stored, reads like
// FailureInternal.
func (f Failure) Text() locale.Text {
	if f == "" {
		return locale.Text{}
	}
	if text, known := texts[f]; known {
		return text
	}
	return texts[FailureInternal]
}

// texts holds the sentence of every Failure. FailureRefused has that of
// FailureConnect: a difference between a refused and an unreachable address would
// reveal our network.
var texts = map[Failure]locale.Text{
	FailureTimeout: {
		Chinese: "接收方未在规定时间内完成响应",
		English: "The receiver did not complete its response in time",
	},
	FailureDNS: {
		Chinese: "无法解析接收方的域名",
		English: "The receiver's host name could not be resolved",
	},
	FailureConnect: {
		Chinese: "无法连接到接收方",
		English: "No connection to the receiver could be made",
	},
	FailureRefused: {
		Chinese: "无法连接到接收方",
		English: "No connection to the receiver could be made",
	},
	FailureTLS: {
		Chinese: "与接收方的 TLS 握手失败：请检查证书的域名、有效期和证书链，并支持 TLS 1.2 或更高版本",
		English: "The TLS handshake with the receiver failed: check the certificate's name, validity and chain, and support TLS 1.2 or later",
	},
	FailureReset: {
		Chinese: "接收方在响应完成之前断开了连接",
		English: "The receiver closed the connection before its response was complete",
	},
	FailureProtocol: {
		Chinese: "接收方返回的内容不是有效的 HTTP 响应，或响应头过大",
		English: "The receiver's answer was not a valid HTTP response, or its header was too large",
	},
	FailureURL: {
		Chinese: "该 URL 不符合要求，未发送请求",
		English: "The URL is not acceptable; no request was sent",
	},
	FailureHeld: {
		Chinese: "接收方连续多次失败，投递已暂缓，未发送请求；接收方恢复后会继续投递，否则在重试期限结束时再尝试最后一次",
		English: "The receiver failed many times in a row: the delivery is held back without a request, and goes on when the receiver has recovered, or with a last attempt when the time for retries is over",
	},
	FailureInternal: {
		Chinese: "服务内部原因导致本次投递未完成",
		English: "The attempt was not completed for a reason on our side",
	},
}

// handshakeError wraps an error of the TLS handshake. Most of these have no type.
type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return "tls handshake: " + e.err.Error() }
func (e *handshakeError) Unwrap() error { return e.err }

// failureOf returns the Failure of an attempt that ended with err. ctx is the caller's;
// answered says that a byte of the response had arrived.
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
		if isConnectionLost(err) {
			return FailureReset
		}
		return FailureTLS
	case errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"):
		return FailureTLS // a TLS alert: TLS 1.3 servers refuse a client after the handshake
	case isConnectionLost(err):
		return FailureReset
	case answered:
		return FailureProtocol
	default:
		// The connection ended before a response. net/http exports no error for a
		// kept-alive connection that the receiver closed at the same time.
		return FailureReset
	}
}

// maxErrBytes bounds the text of a receiver's certificate in the log.
const maxErrBytes = 300

// errNotHTTP replaces the errors of net/http for an invalid response.
var errNotHTTP = errors.New("the response is not HTTP, or its header is too large")

// forLog returns err in a form that may be logged. The errors of net/http quote an
// invalid response, which may contain the event and the signature of the request.
func forLog(err error, failure Failure) error {
	if failure == FailureProtocol {
		return errNotHTTP
	}
	if text := err.Error(); len(text) > maxErrBytes {
		return errors.New(strings.ToValidUTF8(text[:maxErrBytes], "") + "…")
	}
	return err
}

// isTimeout reports whether err is a timeout.
func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &timeout) && timeout.Timeout()
}

// isConnectionLost reports whether err is an error of the connection and not of the
// bytes that arrived on it.
func isConnectionLost(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.As(err, &op) && (op.Op == "read" || op.Op == "write")
}
