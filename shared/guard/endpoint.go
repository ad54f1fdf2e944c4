package guard

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// endpoint is an address through which this process reaches AWS.
type endpoint struct {
	host string     // lower case, without a trailing dot
	addr netip.Addr // invalid if host is a name
	port uint16
}

// parseEndpoint parses "host:port", the form of AWS_LAMBDA_RUNTIME_API, or a URL.
func parseEndpoint(raw string) (endpoint, error) {
	withScheme := raw
	if !strings.Contains(raw, "://") {
		withScheme = "http://" + raw
	}
	u, err := url.Parse(withScheme)
	if err != nil {
		return endpoint{}, fmt.Errorf("own endpoint %q: %w", raw, err)
	}
	text := u.Port()
	if text == "" {
		text = defaultPort(u.Scheme)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 || u.Hostname() == "" {
		return endpoint{}, fmt.Errorf("own endpoint %q: no host and port", raw)
	}
	e := endpoint{host: strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), port: uint16(port)}
	if addr, err := netip.ParseAddr(e.host); err == nil {
		e.addr = addr.Unmap().WithZone("")
	}
	return e, nil
}

// covers reports whether a connection to addrPort may reach e. The port of e is
// covered on every loopback address, because a server on 127.0.0.1 may answer on
// others too, and on the unspecified addresses, which connect to loopback. This
// also holds if e has a name, because only the resolver knows its address.
func (e endpoint) covers(addrPort netip.AddrPort) bool {
	addr := addrPort.Addr()
	return addrPort.Port() == e.port && (addr == e.addr || addr.IsLoopback() || addr.IsUnspecified())
}

// dockerBridge is the host's address on Docker's default bridge. In a VPC only the
// subnet's router can have it, because AWS reserves the second address of each
// subnet for the router: so no endpoint of AWS has it. No other private address is
// that certain. https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
var dockerBridge = netip.AddrFrom4([4]byte{172, 17, 0, 1})

// isLocal reports whether e is on this machine: on loopback, or on the machine that
// runs this container.
func (e endpoint) isLocal() bool {
	switch {
	case isLocalhost(e.host), e.host == "host.docker.internal":
		return true
	case e.addr.IsValid():
		return e.addr.IsLoopback() || e.addr.IsUnspecified() || e.addr == dockerBridge
	default:
		return false
	}
}

func defaultPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}
