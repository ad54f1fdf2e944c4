package attempt

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"

	"webhooks/shared/guard"
)

// connectFailure returns the Failure of an attempt for which no connection could be
// made.
func connectFailure(caller context.Context, err error) Failure {
	var dns *net.DNSError
	var handshake *handshakeError
	switch {
	case errors.Is(err, guard.ErrRefused):
		return FailureConnect // not for good: the name may get another address
	case caller.Err() != nil:
		return FailureInternal
	case errors.As(err, &handshake):
		return handshake.failure
	case errors.As(err, &dns):
		return FailureDNS
	case errors.Is(err, guard.ErrOnlyIPv6):
		return FailureIPv6
	}
	return FailureConnect
}

// maxErrBytes bounds the text of Result.Err.
const maxErrBytes = 300

// forLog returns the cause of failure in a form that may be logged. Errors of the
// connection have only addresses and words of the operating system. The text of any
// other error might quote the receiver, so it is replaced by words of our own.
func forLog(failure Failure, err error) error {
	var op *net.OpError
	var dns *net.DNSError
	var handshake *handshakeError
	switch {
	case errors.As(err, &handshake), errors.Is(err, guard.ErrRefused), errors.As(err, &dns),
		errors.As(err, &op) && (op.Op == "dial" || op.Op == "read" || op.Op == "write"):
		if text := err.Error(); len(text) > maxErrBytes {
			return errors.New(strings.ToValidUTF8(text[:maxErrBytes], "") + "…")
		}
		return err
	case failure == FailureInternal && err != nil:
		return err
	}
	alert, _ := remoteAlert(err)
	return errors.New(logWords(failure, alert))
}

// logWords returns the words for the operator's log about a Failure that has no error
// of the connection.
func logWords(failure Failure, alert int) string {
	words := failure.Text().English
	if alert != 0 {
		words += " (alert " + strconv.Itoa(alert) + ")"
	}
	return words
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
