// Package guard is the one place that decides where a request may go.
//
// A customer chooses the URL, so it may name anything: the Runtime API of the
// very function that calls it, the metadata service, a database in the VPC. What
// a name resolves to can change between any two look-ups, so the decision is
// made on the address that is really dialled, after DNS, by [Guard.DialContext].
// [Guard.CheckURL] only refuses early, with a reason, what is plainly forbidden.
package guard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// ConnectTimeout bounds a dial: the look-up of the name and the connections to
// all of its addresses together.
const ConnectTimeout = 5 * time.Second

// ErrRefused is wrapped by the error of every dial that the guard refused. Such a
// dial will be refused the next time too. The error itself names addresses: it is
// for the operator's log, never for a customer.
var ErrRefused = errors.New("destination refused")

// errUnreachable stands for a dial that failed on the addresses it was allowed
// to try, while others were refused.
var errUnreachable = errors.New("no permitted address could be reached")

// Config says what a Guard permits beyond the addresses of the public internet.
type Config struct {
	// Ports are the destination ports allowed; none means 443 and 8443.
	Ports []uint16
	// AllowLocal allows plain http, any port, and loopback addresses: for the
	// local stack and for tests. FromEnv refuses it against real AWS.
	AllowLocal bool
	// OwnEndpoints are never dialled, whatever else is allowed: host:port pairs or
	// URLs through which this process reaches AWS. Inside Lambda, the Runtime API
	// on loopback would hand a receiver the events of every tenant in the batch.
	OwnEndpoints []string
	// Resolver looks names up; nil means the system's.
	Resolver *net.Resolver
}

// Guard decides where a request may go. It is safe for concurrent use.
type Guard struct {
	ports    []uint16
	local    bool
	own      []endpoint
	ranges   *ssrf.Guardian
	resolver *net.Resolver
}

// New returns a Guard. It fails if an own endpoint cannot be understood: one that
// is not recognised would not be refused.
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

	// The module denies what the IANA registries of special-purpose addresses
	// list, and of IPv6 everything outside 2000::/3: so also IPv4-mapped and
	// -compatible, NAT64, unique local, link-local, site-local and multicast
	// addresses. The table in guard_test.go holds it to that.
	options := []ssrf.Option{ssrf.WithPorts(g.ports...)}
	if g.local {
		options = []ssrf.Option{
			ssrf.WithAnyPort(),
			ssrf.WithAllowedV4Prefixes(netip.MustParsePrefix("127.0.0.0/8")),
			ssrf.WithAllowedV6Prefixes(netip.MustParsePrefix("::1/128")),
		}
	}
	g.ranges = ssrf.New(options...)
	return g, nil
}

// DialContext connects to address (host:port) over network ("tcp", "tcp4" or
// "tcp6") within ConnectTimeout, if the guard permits it; it has the shape of
// [net/http.Transport.DialContext]. Of a name with several addresses the
// forbidden ones are never dialled.
//
// The error wraps ErrRefused if and only if nothing was dialled because of the
// guard.
func (g *Guard) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if host, _, err := net.SplitHostPort(address); err == nil && g.ownName(host) {
		return nil, fmt.Errorf("%w: %s is an endpoint of our own", ErrRefused, address)
	}
	var tried atomic.Bool
	dialer := net.Dialer{
		Timeout:   ConnectTimeout,
		KeepAlive: -1, // an attempt is over long before the first probe
		Resolver:  g.resolver,
		// Called for each address, after the look-up and right before connect(2).
		Control: func(network, address string, _ syscall.RawConn) error {
			if err := g.safe(network, address); err != nil {
				return err
			}
			tried.Store(true)
			return nil
		},
	}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil && tried.Load() && errors.Is(err, ErrRefused) {
		// The dialer reports the first address that failed. Whether DNS put the
		// refused one first must not decide if the delivery is given up.
		return nil, &net.OpError{Op: "dial", Net: network, Err: errUnreachable}
	}
	return conn, err
}

func (g *Guard) safe(network, address string) error {
	if !slices.Contains([]string{"tcp4", "tcp6"}, network) {
		return fmt.Errorf("%w: network %s", ErrRefused, network)
	}
	addrPort, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return g.permit(addrPort)
}

// permit decides on one address and port. Its error wraps ErrRefused.
func (g *Guard) permit(addrPort netip.AddrPort) error {
	if addrPort.Addr().Zone() != "" {
		return fmt.Errorf("%w: %s has a zone", ErrRefused, addrPort)
	}
	// An IPv4-mapped address is dialled as the IPv4 address within.
	addrPort = netip.AddrPortFrom(addrPort.Addr().Unmap(), addrPort.Port())
	for _, own := range g.own {
		if own.covers(addrPort) {
			return fmt.Errorf("%w: %s is an endpoint of our own", ErrRefused, addrPort)
		}
	}
	if err := g.ranges.SafeAddrPort(addrPort); err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return nil
}

// ownName tells whether host is the name of an own endpoint. Names of loopback
// do not count: on a laptop, receivers live there too, and permit tells them apart
// by their port.
func (g *Guard) ownName(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return !isLocalhost(host) && slices.ContainsFunc(g.own, func(own endpoint) bool {
		return !own.addr.IsValid() && own.host == host
	})
}
