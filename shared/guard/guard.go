// Package guard decides which addresses a request to a receiver may go to.
//
// A customer chooses the URL, so it may name anything: the Runtime API of the
// function that calls it, the metadata service, a database in the VPC. The address
// behind a name can change between two look-ups. So [Guard.DialContext] decides
// after DNS, on the address that it dials. [Guard.CheckURL] refuses early, and with
// a reason, a URL that could never be called.
package guard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// ConnectTimeout bounds a dial: the look-up of the name and the connections to
// all of its addresses together.
const ConnectTimeout = 5 * time.Second

// ErrRefused is wrapped by the error of every dial that the guard refused. A dial of the
// same name may be permitted later, when it has another address. The wrapping error
// names addresses: it is for the operator's log, never for a customer.
var ErrRefused = errors.New("destination refused")

// ErrOnlyIPv6 is wrapped by the error of a dial that failed, and whose name has public
// IPv6 addresses and no IPv4 address. A Lambda function outside of a VPC cannot reach an
// IPv6 address, and in a VPC only with dual-stack subnets
// (https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html).
var ErrOnlyIPv6 = errors.New("the name has only IPv6 addresses")

// errUnreachable replaces the error of a dial that failed on its permitted
// addresses, while others were refused.
var errUnreachable = errors.New("no permitted address could be reached")

// Config says what a Guard permits beyond the addresses of the public internet.
type Config struct {
	// Ports are the permitted destination ports; none means 443 and 8443.
	Ports []uint16
	// AllowLocal permits plain http, any port, and loopback addresses: for the
	// local stack and for tests. FromEnv refuses it against real AWS.
	AllowLocal bool
	// OwnEndpoints are never dialled, whatever else is permitted: host:port pairs or
	// URLs through which this process reaches AWS. Inside Lambda, the Runtime API
	// on loopback would return the events of every tenant in the batch.
	OwnEndpoints []string
	// Resolver looks names up; nil means the system's.
	Resolver *net.Resolver
}

// Guard decides which addresses a request may go to. It is safe for concurrent use.
type Guard struct {
	ports    []uint16
	local    bool
	own      []endpoint
	ranges   *ssrf.Guardian
	resolver *net.Resolver
}

// New returns a Guard. It fails on an own endpoint that it cannot parse, because it
// could not refuse that endpoint.
func New(cfg Config) (*Guard, error) {
	g := &Guard{ports: cfg.Ports, local: cfg.AllowLocal, resolver: cfg.Resolver}
	if len(g.ports) == 0 {
		g.ports = []uint16{443, 8443}
	}
	for _, raw := range cfg.OwnEndpoints {
		own, err := parseEndpoint(raw)
		if err != nil {
			return nil, err
		}
		g.own = append(g.own, own)
	}
	g.ranges = newRanges(g.ports, g.local)
	return g, nil
}

// DialContext connects to address (host:port) over network ("tcp", "tcp4" or
// "tcp6") within ConnectTimeout, if the guard permits it; it has the signature of
// [net/http.Transport.DialContext]. If a name has several addresses, it dials only
// the permitted ones.
//
// The error wraps ErrRefused if and only if the guard refused the name or all of its
// addresses.
func (g *Guard) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if host, _, err := net.SplitHostPort(address); err == nil && g.isOwnName(host) {
		return nil, fmt.Errorf("%w: %s is an endpoint of our own", ErrRefused, address)
	}
	var dialled, ipv4 atomic.Bool
	dialer := net.Dialer{
		Timeout:   ConnectTimeout,
		KeepAlive: -1, // an attempt ends long before the first probe
		Resolver:  g.resolver,
		// Control runs for each address, after the look-up and before connect(2).
		Control: func(network, address string, _ syscall.RawConn) error {
			if network != "tcp6" {
				ipv4.Store(true)
			}
			if err := g.check(network, address); err != nil {
				return err
			}
			dialled.Store(true)
			return nil
		},
	}
	conn, err := dialer.DialContext(ctx, network, address)
	if err == nil {
		return conn, nil
	}
	return nil, explain(err, network, dialled.Load(), ipv4.Load())
}

// explain returns the error of a dial that ended with err. dialled reports whether a
// permitted address was dialled. ipv4 reports whether the name has an IPv4 address.
func explain(err error, network string, dialled, ipv4 bool) error {
	refused := errors.Is(err, ErrRefused)
	if refused && dialled {
		// The dialer reports the first address that failed. The order of the DNS
		// answer must not decide what is said.
		err = &net.OpError{Op: "dial", Net: network, Err: errUnreachable}
	}
	// Without IPv6 the dial may fail before Control, so the address in the error counts.
	if !ipv4 && (isIPv6(err) || refused && dialled) {
		err = fmt.Errorf("%w: %w", ErrOnlyIPv6, err)
	}
	return err
}

// isIPv6 reports whether err is about a public IPv6 address that was dialled.
func isIPv6(err error) bool {
	var op *net.OpError
	if !errors.As(err, &op) || errors.Is(err, ErrRefused) {
		return false
	}
	addr, ok := op.Addr.(*net.TCPAddr)
	return ok && addr.IP.To4() == nil && !addr.IP.IsLoopback()
}

// check decides on one dial. Its error wraps ErrRefused.
func (g *Guard) check(network, address string) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%w: network %s", ErrRefused, network)
	}
	addrPort, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return g.permit(addrPort)
}
