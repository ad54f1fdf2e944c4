package guard

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// MaxURLBytes is the length of the longest URL accepted.
const MaxURLBytes = 2048

// Problem is the reason why a URL is refused.
type Problem string

// The problems of a URL, in the order in which CheckURL looks for them.
const (
	ProblemTooLong  Problem = "too_long" // more than MaxURLBytes
	ProblemSyntax   Problem = "syntax"   // not a URL; also spaces, control characters, backslashes, invalid UTF-8
	ProblemFragment Problem = "fragment" // has a "#"
	ProblemScheme   Problem = "scheme"   // not https
	ProblemUserInfo Problem = "userinfo" // has user info before the host
	ProblemHost     Problem = "host"     // has no host, or one that is no name and no address
	ProblemPort     Problem = "port"     // has a port that is not allowed, or not 1 to 65535
	ProblemAddress  Problem = "address"  // names a host that is not on the public internet
)

// URLError is the error of CheckURL.
type URLError struct {
	Problem Problem
}

// Error names the problem, but not the URL: a URL may hold its owner's tokens.
func (e *URLError) Error() string { return fmt.Sprintf("url refused: %s", e.Problem) }

// CheckURL parses raw as the URL of a receiver. It refuses what could never be
// delivered to: see the Problem constants. Whether the host leads where a request
// may go is decided by DialContext alone, each time.
//
// The result is raw as it is dialled: the host in lower case and ASCII (IDNA 2008,
// RFC 5891) and without a trailing dot, a default port left out, what is not ASCII
// in path and query percent-encoded. The error is a *URLError.
func (g *Guard) CheckURL(raw string) (*url.URL, error) {
	if len(raw) > MaxURLBytes {
		return nil, &URLError{ProblemTooLong}
	}
	if !utf8.ValidString(raw) || strings.ContainsFunc(raw, forbiddenRune) {
		return nil, &URLError{ProblemSyntax}
	}
	// url.Parse drops an empty fragment without a trace.
	if strings.Contains(raw, "#") {
		return nil, &URLError{ProblemFragment}
	}
	u, err := url.Parse(escapeAfterHost(raw))
	if err != nil {
		return nil, &URLError{ProblemSyntax}
	}
	if u.Scheme != "https" && !(g.local && u.Scheme == "http") {
		return nil, &URLError{ProblemScheme}
	}
	if u.User != nil {
		return nil, &URLError{ProblemUserInfo}
	}
	port, ok := g.checkPort(u)
	if !ok {
		return nil, &URLError{ProblemPort}
	}
	host, problem := g.checkHost(u, port)
	if problem != "" {
		return nil, &URLError{problem}
	}
	u.Host = host
	if explicit := strconv.Itoa(int(port)); explicit != defaultPort(u.Scheme) {
		u.Host += ":" + explicit
	}
	return u, nil
}

// forbiddenRune is true for what has no place in a URL. Parsers differ in whether
// a backslash is a slash; so a URL that has one means different things to us and
// to who reviews it.
func forbiddenRune(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || r == '\\'
}

func (g *Guard) checkPort(u *url.URL) (uint16, bool) {
	text := u.Port()
	if text == "" {
		if strings.HasSuffix(u.Host, ":") {
			return 0, false
		}
		text = defaultPort(u.Scheme)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 || text[0] == '0' {
		return 0, false
	}
	return uint16(port), g.local || slices.Contains(g.ports, uint16(port))
}

// checkHost returns the host of u as it is dialled, an IPv6 address in brackets.
func (g *Guard) checkHost(u *url.URL, port uint16) (string, Problem) {
	host := u.Hostname()
	if strings.HasPrefix(u.Host, "[") {
		addr, err := netip.ParseAddr(host)
		if err != nil || !addr.Is6() || addr.Zone() != "" {
			return "", ProblemHost
		}
		if addr.Is4In6() { // nobody spells a public address so
			return "", ProblemAddress
		}
		return "[" + addr.String() + "]", g.checkAddr(addr, port)
	}
	host, ok := asciiHost(host)
	if !ok {
		return "", ProblemHost
	}
	// What ends in a number is an IPv4 address to some parser (WHATWG URL §3.5:
	// 2130706433, 0x7f.1, 0177.0.0.1). Only the one canonical form is one here.
	if endsInNumber(host) {
		addr, err := netip.ParseAddr(host)
		if err != nil || u.Hostname() != host {
			return "", ProblemAddress
		}
		return host, g.checkAddr(addr, port)
	}
	if isLocalhost(host) && g.local {
		return host, g.checkAddr(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
	}
	if g.ownName(host) || isPrivateName(host) {
		return "", ProblemAddress
	}
	return host, ""
}

func (g *Guard) checkAddr(addr netip.Addr, port uint16) Problem {
	if g.permit(netip.AddrPortFrom(addr, port)) != nil {
		return ProblemAddress
	}
	return ""
}

// isPrivateName tells whether host is a name that the public DNS does not hold: a
// single label, or in a domain set aside for private use (RFC 6761, RFC 6762,
// RFC 8375, and .internal, which ICANN reserved in 2024 and AWS, Docker and others
// use).
func isPrivateName(host string) bool {
	if !strings.Contains(host, ".") {
		return true
	}
	return slices.ContainsFunc([]string{".localhost", ".local", ".internal", ".home.arpa"},
		func(domain string) bool { return strings.HasSuffix(host, domain) })
}

// asciiHost returns host in lower case, in ASCII and without a trailing dot, and
// whether it can be a name in DNS (RFC 1035 §2.3.4; underscores are tolerated, as
// resolvers and certificates do).
func asciiHost(host string) (string, bool) {
	if strings.ContainsFunc(host, func(r rune) bool { return r >= utf8.RuneSelf }) {
		// As net/http would do at the dial; full-width digits become digits here.
		ascii, err := idna.Lookup.ToASCII(host)
		if err != nil {
			return "", false
		}
		host = ascii
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if len(host) > 253 {
		return "", false
	}
	for label := range strings.SplitSeq(host, ".") {
		if len(label) < 1 || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return "", false
		}
	}
	return host, true
}

func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}

// escapeAfterHost percent-encodes what is not ASCII in the path and the query of
// raw, as browsers do: net/http would send it as it is.
func escapeAfterHost(raw string) string {
	_, after, _ := strings.Cut(raw, "://")
	i := strings.IndexAny(after, "/?")
	if i < 0 {
		return raw
	}
	start := len(raw) - len(after) + i
	var out strings.Builder
	out.WriteString(raw[:start])
	for _, c := range []byte(raw[start:]) {
		if c < utf8.RuneSelf {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String()
}
