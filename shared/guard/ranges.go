package guard

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"code.dny.dev/ssrf"
)

// newRanges returns the check of addresses and ports. It permits only ports, and
// refuses every address that is not on the public internet. Package ssrf generates
// its ranges from the IANA registries of special-purpose addresses
// (https://www.iana.org/assignments/iana-ipv4-special-registry,
// https://www.iana.org/assignments/iana-ipv6-special-registry):
//
//	0.0.0.0/8          this network
//	10.0.0.0/8         private; also 172.16.0.0/12 and 192.168.0.0/16
//	100.64.0.0/10      shared address space (carrier-grade NAT)
//	127.0.0.0/8        loopback
//	169.254.0.0/16     link-local: instance metadata, container credentials, AWS DNS
//	192.0.0.0/24       IETF protocol assignments
//	192.0.2.0/24       documentation; also 198.51.100.0/24 and 203.0.113.0/24
//	192.31.196.0/24    AS112; also 192.175.48.0/24
//	192.52.193.0/24    AMT
//	192.88.99.0/24     6to4 relays
//	198.18.0.0/15      benchmarks
//	224.0.0.0/4        multicast
//	240.0.0.0/4        reserved, broadcast
//	all but 2000::/3   loopback, IPv4-mapped, NAT64, unique local, link-local, multicast
//	2001::/23          IETF protocol assignments: Teredo, ORCHID, benchmarks
//	2001:db8::/32      documentation; also 3fff::/20
//	2002::/16          6to4
//	2620:4f:8000::/48  AS112
//
// TestDialRefusesForbiddenAddresses checks addresses of every range. With local,
// loopback addresses and all ports are permitted, and nothing else.
func newRanges(ports []uint16, local bool) *ssrf.Guardian {
	if local {
		return ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(loopback4), ssrf.WithAllowedV6Prefixes(loopback6))
	}
	return ssrf.New(ssrf.WithPorts(ports...))
}

var (
	loopback4 = netip.MustParsePrefix("127.0.0.0/8")
	loopback6 = netip.MustParsePrefix("::1/128")
)

// permit decides on one address and port. Its error wraps ErrRefused.
func (g *Guard) permit(addrPort netip.AddrPort) error {
	if addrPort.Addr().Zone() != "" {
		return fmt.Errorf("%w: %s has a zone", ErrRefused, addrPort)
	}
	// The kernel dials an IPv4-mapped address as the IPv4 address in it.
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

// isOwnName reports whether host is the name of an own endpoint. Names of loopback
// do not count: on a laptop, receivers use them too, and permit tells the endpoint
// and the receiver apart by their ports.
func (g *Guard) isOwnName(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return !isLocalhost(host) && slices.ContainsFunc(g.own, func(own endpoint) bool {
		return !own.addr.IsValid() && own.host == host
	})
}

// privateDomains are the domains that are reserved for private use: RFC 6761,
// RFC 6762, RFC 8375, and .internal, which ICANN reserved in 2024 and which AWS,
// Docker and others use.
var privateDomains = []string{".localhost", ".local", ".internal", ".home.arpa"}

// isPrivateName reports whether the public DNS cannot hold host: it is a single
// label, or in one of the privateDomains.
func isPrivateName(host string) bool {
	return !strings.Contains(host, ".") ||
		slices.ContainsFunc(privateDomains, func(domain string) bool { return strings.HasSuffix(host, domain) })
}

// isLocalhost reports whether host, in lower case and without a trailing dot, is a
// name of loopback (RFC 6761 §6.3).
func isLocalhost(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
