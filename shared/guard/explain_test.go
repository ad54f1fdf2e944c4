package guard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"
)

// dialError returns the error of the dialer for one address.
func dialError(address string, err error) error {
	return &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.ParseIP(address), Port: 443}, Err: err}
}

// A dial that failed is about IPv6 only if the name has no IPv4 address.
func TestExplainTellsIPv6Only(t *testing.T) {
	t.Parallel()
	refused := fmt.Errorf("%w: test", ErrRefused)
	tests := []struct {
		name          string
		err           error
		dialled, ipv4 bool
		only, refused bool
	}{
		{name: "IPv6, no route", err: dialError("2600::1", syscall.ENETUNREACH), dialled: true, only: true},
		{name: "IPv6, no address", err: dialError("2600::1", syscall.EADDRNOTAVAIL), dialled: true, only: true},
		{name: "IPv6, not in the kernel", err: dialError("2600::1", syscall.EAFNOSUPPORT), only: true},
		{name: "IPv6, no answer", err: dialError("2600::1", context.DeadlineExceeded), dialled: true, only: true},
		{name: "IPv6 and IPv4", err: dialError("2600::1", syscall.ENETUNREACH), dialled: true, ipv4: true},
		{name: "IPv4", err: dialError("192.0.43.8", syscall.ECONNREFUSED), dialled: true, ipv4: true},
		{name: "loopback", err: dialError("::1", syscall.ECONNREFUSED), dialled: true},
		{name: "refused IPv6", err: dialError("fd00::1", refused), refused: true},
		{name: "refused IPv4", err: dialError("10.0.0.1", refused), ipv4: true, refused: true},
		{name: "refused and public IPv6", err: dialError("fd00::1", refused), dialled: true, only: true},
		{name: "refused IPv4, public IPv6", err: dialError("10.0.0.1", refused), dialled: true, ipv4: true},
		{name: "unknown name", err: &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{IsNotFound: true}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := explain(tt.err, "tcp", tt.dialled, tt.ipv4)
			if errors.Is(got, ErrOnlyIPv6) != tt.only || errors.Is(got, ErrRefused) != tt.refused {
				t.Errorf("explain: %v; want only IPv6: %t, refused: %t", got, tt.only, tt.refused)
			}
		})
	}
}

// A dial whose time is over does not reach the network.
func TestDialOfAnIPv6Address(t *testing.T) {
	t.Parallel()
	g, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.DialContext(over, "tcp", "[2600::1]:443"); !errors.Is(err, ErrOnlyIPv6) {
		t.Errorf("error = %v, want ErrOnlyIPv6", err)
	}
}
