package attempt

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"webhooks/shared/guard"
)

// Why there is no connection. What the guard refuses reads like a closed port, and what
// the caller ended is not the receiver's.
func TestConnectFailure(t *testing.T) {
	t.Parallel()
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name   string
		caller context.Context
		err    error
		want   Failure
	}{
		{name: "refused by the guard", err: dial(fmt.Errorf("%w: 10.0.0.1", guard.ErrRefused)), want: FailureConnect},
		{name: "closed port", err: dial(syscall.ECONNREFUSED), want: FailureConnect},
		{name: "no route", err: dial(syscall.EHOSTUNREACH), want: FailureConnect},
		{name: "no answer", err: dial(context.DeadlineExceeded), want: FailureConnect},
		{name: "IPv6 only", err: fmt.Errorf("%w: %w", guard.ErrOnlyIPv6, dial(syscall.ENETUNREACH)), want: FailureIPv6},
		{name: "IPv6 only, no answer", err: fmt.Errorf("%w: %w", guard.ErrOnlyIPv6, dial(context.DeadlineExceeded)), want: FailureIPv6},
		{name: "unknown name", err: dial(&net.DNSError{Err: "no such host", IsNotFound: true}), want: FailureDNS},
		{name: "name server without an answer", err: dial(&net.DNSError{Err: "i/o timeout", IsTimeout: true}), want: FailureDNS},
		{name: "handshake", err: &handshakeError{failure: FailureTLSName}, want: FailureTLSName},
		{name: "end of the caller", caller: ended, err: dial(context.Canceled), want: FailureInternal},
		{name: "end of the caller in a handshake", caller: ended, err: &handshakeError{failure: FailureTLSTimeout}, want: FailureInternal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			caller := tt.caller
			if caller == nil {
				caller = t.Context()
			}
			if got := connectFailure(caller, tt.err); got != tt.want {
				t.Errorf("connectFailure = %q, want %q", got, tt.want)
			}
		})
	}
}

// What is logged has the words of the system or our own, and is short.
func TestForLog(t *testing.T) {
	t.Parallel()
	read := &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	tests := []struct {
		name    string
		failure Failure
		err     error
		want    string
	}{
		{name: "an error of the connection", failure: FailureReset, err: read, want: read.Error()},
		{name: "words of another", failure: FailureReset, err: errors.New("Task timed out"), want: FailureReset.Text().English},
		{name: "no error", failure: faultyLine(3), want: faultyLine(3).Text().English},
		{name: "a long error", failure: FailureConnect, err: fmt.Errorf("%w: %s", guard.ErrRefused, strings.Repeat("环", 200)), want: guard.ErrRefused.Error() + ": " + strings.Repeat("环", 93) + "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := forLog(tt.failure, tt.err).Error(); got != tt.want {
				t.Errorf("forLog = %q, want %q", got, tt.want)
			}
		})
	}
}

// A set of hosts is bounded, and forgets first what is over.
func TestHostsAreBounded(t *testing.T) {
	t.Parallel()
	h := newHosts(classicTime)
	now := time.Now()
	for i := range maxHosts {
		h.add(fmt.Sprint("old", i), now.Add(-2*classicTime))
	}
	h.add("new", now)
	if len(h.end) != 1 || !h.has("new", now) || h.has("new", now.Add(classicTime)) {
		t.Errorf("%d hosts, want the new one for %v", len(h.end), classicTime)
	}
	for i := range 3 * maxHosts {
		h.add(fmt.Sprint(i), now)
	}
	if len(h.end) > maxHosts || !h.has(fmt.Sprint(3*maxHosts-1), now) {
		t.Errorf("%d hosts, want at most %d with the last", len(h.end), maxHosts)
	}
}
