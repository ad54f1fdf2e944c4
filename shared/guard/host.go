package guard

import (
	"net/netip"
	"net/url"
	"strings"
)

// Host returns the host that raw names, in one form for all its spellings: the form of
// [Guard.CheckURL], without brackets and port. It is "" for a text that is not a URL.
func Host(raw string) string {
	escaped, ok := escapeAfterHost(raw)
	if !ok {
		return ""
	}
	u, err := url.Parse(escaped)
	if err != nil {
		return ""
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil {
		return addr.String()
	}
	if host, ok := asciiHost(u.Hostname()); ok {
		return host
	}
	return strings.ToLower(u.Hostname())
}
