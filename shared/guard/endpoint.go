package guard

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// endpoint is an address of the process's own platform.
type endpoint struct {
	host string     // lower case, without a trailing dot
	addr netip.Addr // of a literal host; otherwise invalid
	port uint16
}

// parseEndpoint reads "host:port", as AWS_LAMBDA_RUNTIME_API has it, or a URL.
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

// covers tells whether a connection to addrPort may end at e. Its port counts on
// every loopback address, and on the unspecified ones, which connect to loopback:
// a server on 127.0.0.1 can be reached under many of these, and where a name of
// ours leads, only the resolver knows.
func (e endpoint) covers(addrPort netip.AddrPort) bool {
	addr := addrPort.Addr()
	return addrPort.Port() == e.port && (addr == e.addr || addr.IsLoopback() || addr.IsUnspecified())
}

// isLocal tells whether e is on this machine: loopback, or the machine that runs
// this container.
func (e endpoint) isLocal() bool {
	switch {
	case isLocalhost(e.host), e.host == "host.docker.internal":
		return true
	case e.addr.IsValid():
		// 172.17.0.1 is Docker's default bridge. In a VPC it can only be the
		// subnet's router: AWS keeps the first address after the network's own for
		// it, so no endpoint of AWS can have it. No other private address is that
		// certain.
		return e.addr.IsLoopback() || e.addr.IsUnspecified() || e.addr == netip.AddrFrom4([4]byte{172, 17, 0, 1})
	default:
		return false
	}
}

// isLocalhost tells whether host, in lower case and without a trailing dot, is a
// name of loopback (RFC 6761 §6.3).
func isLocalhost(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

func defaultPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}
