package guard

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"webhooks/shared/glyph"
)

// MaxURLBytes is the length of the longest URL accepted.
const MaxURLBytes = 2048

// Problem is the reason why CheckURL refuses a URL.
type Problem string

// The problems of a URL, in the order in which CheckURL looks for them.
const (
	ProblemTooLong  Problem = "too_long" // more than MaxURLBytes
	ProblemSyntax   Problem = "syntax"   // not a URL; also spaces, invisible characters, backslashes, invalid UTF-8, invalid percent-encoding
	ProblemFragment Problem = "fragment" // has a "#"
	ProblemScheme   Problem = "scheme"   // not https
	ProblemUserInfo Problem = "userinfo" // has user info before the host
	ProblemHost     Problem = "host"     // no host, or neither a name nor an address
	ProblemPort     Problem = "port"     // a port that is not permitted, or not 1 to 65535
	ProblemAddress  Problem = "address"  // a host that is not on the public internet
	ProblemIPv6     Problem = "ipv6"     // a public IPv6 address
)

// URLError is the error of CheckURL.
type URLError struct {
	Problem Problem
}

// Error names the problem but not the URL, which may contain its owner's tokens.
func (e *URLError) Error() string { return fmt.Sprintf("url refused: %s", e.Problem) }

// CheckURL parses raw as the URL of a receiver. It refuses a URL that could never
// be called: see the Problem constants. It does not look the host up; DialContext
// checks the host's addresses at each dial.
//
// The result is raw in the form that is dialled: the host in lower case and ASCII
// (IDNA 2008, RFC 5891) and without a trailing dot, the port only if it is not the
// default, and what RFC 3986 permits in neither path nor query percent-encoded. The
// error is a *URLError.
func (g *Guard) CheckURL(raw string) (*url.URL, error) {
	if len(raw) > MaxURLBytes {
		return nil, &URLError{ProblemTooLong}
	}
	if !utf8.ValidString(raw) || strings.ContainsFunc(raw, forbiddenRune) {
		return nil, &URLError{ProblemSyntax}
	}
	// url.Parse drops an empty fragment, so it cannot be seen afterwards.
	if strings.Contains(raw, "#") {
		return nil, &URLError{ProblemFragment}
	}
	escaped, ok := escapeAfterHost(raw)
	if !ok {
		return nil, &URLError{ProblemSyntax}
	}
	u, err := url.Parse(escaped)
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

// forbiddenRune reports whether a URL must not contain r: what nobody sees (in a
// host, IDNA drops most of it), and backslashes, which some parsers read as slashes,
// so that a URL would name different hosts to different parsers.
func forbiddenRune(r rune) bool { return glyph.Hidden(r) || r == '\\' }

// checkPort returns the port of u, and false if it is not permitted.
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

// checkHost returns the host of u in the form that is dialled, an IPv6 address in
// brackets. The Problem is empty if the host is accepted.
func (g *Guard) checkHost(u *url.URL, port uint16) (string, Problem) {
	host := u.Hostname()
	if strings.HasPrefix(u.Host, "[") {
		addr, err := netip.ParseAddr(host)
		if err != nil || !addr.Is6() || addr.Zone() != "" {
			return "", ProblemHost
		}
		if addr.Is4In6() { // a public address is never written like this
			return "", ProblemAddress
		}
		problem := g.checkAddr(addr, port)
		// Lambda reaches IPv6 addresses only from a VPC with dual-stack subnets:
		// https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-ipv6
		// Only the loopback address of the local stack needs no VPC.
		if problem == "" && !addr.IsLoopback() {
			problem = ProblemIPv6
		}
		return "[" + addr.String() + "]", problem
	}
	host, ok := asciiHost(host)
	if !ok {
		return "", ProblemHost
	}
	// To some parsers a host that ends in a number is an IPv4 address (WHATWG URL
	// §3.5: 2130706433, 0x7f.1, 0177.0.0.1). Here only the canonical form is.
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
	if g.isOwnName(host) || isPrivateName(host) {
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

// asciiHost returns host in lower case, in ASCII and without a trailing dot, and
// whether DNS can hold it as a name (RFC 1035 §2.3.4). It accepts underscores,
// because resolvers and certificates do.
func asciiHost(host string) (string, bool) {
	if strings.ContainsFunc(host, func(r rune) bool { return r >= utf8.RuneSelf }) {
		// net/http would do the same at the dial. Full-width digits become digits.
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
		// A label that IDNA could not have made may decode to invisible characters.
		if strings.HasPrefix(label, "xn--") {
			if ascii, err := idna.Lookup.ToASCII(label); err != nil || ascii != label {
				return "", false
			}
		}
	}
	return host, true
}

// endsInNumber reports whether the last label of host is a number, decimal or hex.
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}

// escapeAfterHost percent-encodes the bytes in the path and query of raw that RFC 3986
// §3.3 and §3.4 do not permit there. net/http would send most of them unchanged,
// and Tomcat, for one, refuses requests with them. It returns false for a percent
// sign that begins no encoded byte, and for one in a host name.
func escapeAfterHost(raw string) (string, bool) {
	_, after, _ := strings.Cut(raw, "://")
	i := strings.IndexAny(after, "/?")
	if i < 0 {
		i = len(after)
	}
	if host := after[:i]; strings.Contains(host, "%") && !strings.Contains(host, "[") {
		return "", false
	}
	start := len(raw) - len(after) + i
	var out strings.Builder
	out.WriteString(raw[:start])
	for i, c := range []byte(raw[start:]) {
		switch {
		case c == '%' && !encodesByte(raw[start+i:]):
			return "", false
		case c < utf8.RuneSelf && strings.IndexByte(pathAndQuery, c) >= 0:
			out.WriteByte(c)
		default:
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String(), true
}

// pathAndQuery are the bytes that path and query may contain (RFC 3986 §2), and the
// percent sign.
const pathAndQuery = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/?%"

// encodesByte reports whether s begins with a percent-encoded byte.
func encodesByte(s string) bool {
	return len(s) >= 3 && s[0] == '%' && strings.Trim(s[1:3], "0123456789ABCDEFabcdef") == ""
}
