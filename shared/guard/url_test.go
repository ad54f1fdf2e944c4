package guard_test

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"webhooks/shared/guard"
)

func problemOf(err error) guard.Problem {
	var urlErr *guard.URLError
	if errors.As(err, &urlErr) {
		return urlErr.Problem
	}
	return ""
}

func TestCheckURLAccepts(t *testing.T) {
	t.Parallel()
	long := "https://example.com/" + strings.Repeat("a", guard.MaxURLBytes-len("https://example.com/"))
	tests := []struct {
		name string
		raw  string
		want string // as dialled; empty means raw
	}{
		{name: "plain", raw: "https://example.com/webhooks"},
		{name: "no path", raw: "https://example.com"},
		{name: "query", raw: "https://example.com/a?b=c&d=%20e"},
		{name: "question mark alone", raw: "https://example.com/a?"},
		{name: "other permitted port", raw: "https://example.com:8443/a"},
		{name: "default port", raw: "https://example.com:443/a", want: "https://example.com/a"},
		{name: "scheme and host in capitals", raw: "HTTPS://Example.COM/Path", want: "https://example.com/Path"},
		{name: "trailing dot", raw: "https://example.com./a", want: "https://example.com/a"},
		{name: "underscore in the host", raw: "https://my_app.example.com/a"},
		{name: "digits in the host", raw: "https://123.example.com/a"},
		{name: "hexadecimal word as last label", raw: "https://example.0xyz/a"},
		{name: "IDN", raw: "https://例子.测试/回调?名=值", want: "https://xn--fsqu00a.xn--0zwm56d/%E5%9B%9E%E8%B0%83?%E5%90%8D=%E5%80%BC"},
		{name: "IDN in punycode", raw: "https://xn--fsqu00a.xn--0zwm56d/"},
		{name: "full-width letters and stop", raw: "https://ｅｘａｍｐｌｅ。com/", want: "https://example.com/"},
		{name: "escaped slash beside raw Chinese", raw: "https://example.com/a%2Fb/中", want: "https://example.com/a%2Fb/%E4%B8%AD"},
		{name: "at sign in the path", raw: "https://example.com/@me"},
		{name: "at sign in the query", raw: "https://example.com?@localhost", want: "https://example.com?@localhost"},
		{name: "public IPv4", raw: "https://8.8.8.8/a"},
		{name: "characters that RFC 3986 does not permit", raw: `https://example.com/<a>[0]|{b}^` + "`" + `"/?c[]="d"|{e}<f>^` + "`", want: "https://example.com/%3Ca%3E%5B0%5D%7C%7Bb%7D%5E%60%22/?c%5B%5D=%22d%22%7C%7Be%7D%3Cf%3E%5E%60"},
		{name: "every other character", raw: "https://example.com/A-z._~!$&'()*+,;=:@/?A-z._~!$&'()*+,;=:@/?"},
		{name: "encoded characters", raw: "https://example.com/%e2%80%8b%00%25/?a=%E2%80%8B%0a%C3%28"},
		{name: "combining marks", raw: "https://example.com/e\u0301?e\u0301", want: "https://example.com/e%CC%81?e%CC%81"},
		{name: "IDN of a symbol", raw: "https://i❤.ws/", want: "https://xn--i-7iq.ws/"},
		{name: "IDN in punycode and capitals", raw: "https://XN--FSQU00A.XN--0ZWM56D/", want: "https://xn--fsqu00a.xn--0zwm56d/"},
		{name: "next to private ranges", raw: "https://172.32.0.1/a"},
		{name: "name that resolves to loopback: the dial refuses it", raw: "https://127.0.0.1.nip.io/a"},
		{name: "the longest", raw: long},
	}
	g := newGuard(t, guard.Config{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u, err := g.CheckURL(tt.raw)
			if err != nil {
				t.Fatalf("CheckURL(%q): %v", tt.raw, err)
			}
			want := tt.want
			if want == "" {
				want = tt.raw
			}
			if got := u.String(); got != want {
				t.Errorf("CheckURL(%q) = %q, want %q", tt.raw, got, want)
			}
		})
	}
}

func TestCheckURLRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		want guard.Problem
		raws []string
	}{
		{name: "one byte too long", want: guard.ProblemTooLong, raws: []string{"https://example.com/" + strings.Repeat("a", guard.MaxURLBytes+1-len("https://example.com/"))}},
		{name: "spaces", want: guard.ProblemSyntax, raws: []string{" https://example.com", "https://example.com ", "https://example.com/a b", "https://exa mple.com", "https://example.com/\u3000", "https://example.com/\u00a0"}},
		{name: "control characters", want: guard.ProblemSyntax, raws: []string{"https://example.com/\n", "https://example.com/\tx", "https://example.com\r\nHost: x", "https://example.com/\x00", "https://example.com/\x7f", "https://example.com/\u0085", "https://example.com/\u2028"}},
		{name: "backslashes", want: guard.ProblemSyntax, raws: []string{`https:\\example.com`, `https://example.com\@localhost/`, `https://localhost\.example.com`}},
		{name: "invalid UTF-8", want: guard.ProblemSyntax, raws: []string{"https://example.com/\xff", "https://\xc3\x28.com/"}},
		{name: "bad escapes", want: guard.ProblemSyntax, raws: []string{"https://example.com/%zz", "https://exa%6dple.com/", "https://example.com/%",
			"https://example.com/?a=%zz", "https://example.com/?%", "https://example.com/a?%4", "https://example.com/?%4g", "https://example.com/?%%41", "https://example.com?%u4f60", "https://example.com/?a=%E4%BD%a",
			"https://%E4%BE%8B.com/", "https://exa%E2%80%8Bmple.com", "https://example.com%2f/", "https://example.com%00/", "https://[2606:4700::1]%zz/"}},
		{name: "invisible characters", want: guard.ProblemSyntax, raws: []string{
			"https://example.com/a\u200b", "\ufeffhttps://example.com/", "https://example.com/\u2060", "https://exa\u00admple.com/", "https://exa\u200bmple.com/", "https://example.com\u200b/", "https://example.com\u200d",
			"https://example.com/?a=\u202e", "https://example.com/\u3164", "https://example.com/❤\ufe0f", "https://example.com/?\u034f", "https://example.com/\U000e0041", "https://example.com/\u2800", "https://example.com/\uffff", "https://\u200dexample.com/",
		}},
		{name: "IPv6 addresses, which Lambda does not reach", want: guard.ProblemIPv6, raws: []string{"https://[2606:4700:4700::1111]/h", "https://[2606:4700:4700:0:0:0:0:1111]/a", "https://[2606:4700::1]:8443/a"}},
		{name: "port that is not a number", want: guard.ProblemSyntax, raws: []string{"https://example.com:port/", "https://example.com:80:443/", "https://example.com:-1/", "https://example.com:+443/"}},
		{name: "broken brackets", want: guard.ProblemSyntax, raws: []string{"https://[::1/", "https://[2606:4700::1]x/", "https://[127.0.0.1]/", "https://[example.com]/", "https://[]/", "https://[::1::]/"}},
		{name: "fragment", want: guard.ProblemFragment, raws: []string{"https://example.com/#a", "https://example.com/#", "https://example.com#@localhost"}},
		{name: "scheme", want: guard.ProblemScheme, raws: []string{"http://example.com", "ftp://example.com", "file:///etc/passwd", "//example.com/a", "example.com/a", "", "gopher://example.com", "javascript:alert(1)", "/path"}},
		{name: "user info", want: guard.ProblemUserInfo, raws: []string{"https://user@example.com", "https://user:password@example.com", "https://@example.com", "https://:@example.com", "https://example.com@localhost/"}},
		{name: "no host", want: guard.ProblemHost, raws: []string{"https://", "https:///path", "https:path", "https://?query", "https://:443/"}},
		{name: "malformed host", want: guard.ProblemHost, raws: []string{"https://exa..mple.com", "https://.example.com", "https://example.com../", "https://./", "https://exa!mple.com", "https://exa*mple.com", "https://exa'mple.com", "https://" + strings.Repeat("a", 64) + ".com", "https://" + strings.Repeat("a.", 127) + "com", "https://例\ufffd.com/", "https://xn--a.com/", "https://xn--.com/", "https://xn--example-2z6c.com/", "https://xn--99999999.com/", "https://a.xn--example-/"}},
		{name: "zone ids", want: guard.ProblemHost, raws: []string{"https://[fe80::1%25eth0]/", "https://[::1%25lo]/", "https://[2606:4700::1%251]/"}},
		{name: "port", want: guard.ProblemPort, raws: []string{"https://example.com:0/", "https://example.com:80/", "https://example.com:65536/", "https://example.com:99999999999999999999/", "https://example.com:/", "https://example.com:0443/", "https://example.com:22/", "https://[2606:4700::1]:9001/"}},
		{name: "other spellings of IPv4", want: guard.ProblemAddress, raws: []string{
			"https://2130706433/", "https://017700000001/", "https://0x7f000001/", "https://0X7F000001/", "https://127.1/", "https://127.0.1/",
			"https://0177.0.0.1/", "https://0x7f.0.0.1/", "https://0x7f.1/", "https://127.0.0.0x1/", "https://127.0.0.01/", "https://127.0.0.1./", "https://8.8.8.8./",
			"https://1.2.3.4.5/", "https://256.256.256.256/", "https://example.0x7f/", "https://example.1/", "https://0/", "https://0x/", "https://00000177.0.0.1/",
			"https://１２７.0.0.1/", "https://①②⑦.⓪.⓪.①/", "https://127。0。0。1/", "https://8。8。8。8/",
		}},
		{name: "names that are not public", want: guard.ProblemAddress, raws: []string{
			"https://localhost/", "https://LOCALHOST/", "https://localhost./", "https://a.localhost/", "https://a.LocalHost./", "https://ⓛocalhost/", "https://ｌｏｃａｌｈｏｓｔ/",
			"https://intranet/", "https://metadata.google.internal/", "https://ip-10-0-0-1.ec2.internal/", "https://printer.local/", "https://nas.home.arpa/", "https://host.docker.internal/",
		}},
		{name: "IPv4 within IPv6", want: guard.ProblemAddress, raws: []string{"https://[::ffff:8.8.8.8]/", "https://[::ffff:127.0.0.1]/", "https://[::FFFF:7F00:1]/", "https://[0:0:0:0:0:ffff:a9fe:a9fe]/"}},
	}
	g := newGuard(t, guard.Config{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, raw := range tt.raws {
				if _, err := g.CheckURL(raw); problemOf(err) != tt.want {
					t.Errorf("CheckURL(%q): error = %v, want %s", raw, err, tt.want)
				}
			}
		})
	}
}

func TestCheckURLRefusesForbiddenLiterals(t *testing.T) {
	t.Parallel()
	g := newGuard(t, guard.Config{})
	for why, addresses := range forbidden() {
		for _, text := range addresses {
			addr := netip.MustParseAddr(text)
			host := text
			if addr.Is6() {
				host = "[" + strings.ReplaceAll(text, "%", "%25") + "]"
			}
			want := guard.ProblemAddress
			if addr.Zone() != "" {
				want = guard.ProblemHost
			}
			if _, err := g.CheckURL("https://" + host + "/"); problemOf(err) != want {
				t.Errorf("%s (%s): error = %v, want %s", text, why, err, want)
			}
		}
	}
}

func TestCheckURLLocally(t *testing.T) {
	t.Parallel()
	g := newGuard(t, guard.Config{AllowLocal: true, OwnEndpoints: []string{"127.0.0.1:9001", "http://aws.example.com:4566"}})
	tests := []struct {
		name string
		raw  string
		want guard.Problem
	}{
		{name: "http", raw: "http://example.com/"},
		{name: "any port", raw: "http://localhost:8080/"},
		{name: "loopback", raw: "http://127.0.0.1:8080/"},
		{name: "IPv6 loopback", raw: "http://[::1]:8080/"},
		{name: "IPv6", raw: "http://[2606:4700::1]:8080/", want: guard.ProblemIPv6},
		{name: "other names of loopback", raw: "http://a.localhost:8080/"},
		{name: "private", raw: "http://10.0.0.1/", want: guard.ProblemAddress},
		{name: "metadata", raw: "http://169.254.169.254/", want: guard.ProblemAddress},
		{name: "unspecified", raw: "http://0.0.0.0:8080/", want: guard.ProblemAddress},
		{name: "decimal", raw: "http://2130706433:8080/", want: guard.ProblemAddress},
		{name: "file", raw: "file:///etc/passwd", want: guard.ProblemScheme},
		{name: "Runtime API", raw: "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next", want: guard.ProblemAddress},
		{name: "Runtime API by name", raw: "http://localhost:9001/", want: guard.ProblemAddress},
		{name: "Runtime API by another address", raw: "http://127.0.0.2:9001/", want: guard.ProblemAddress},
		{name: "own endpoint by name", raw: "http://AWS.example.com.:4567/", want: guard.ProblemAddress},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := g.CheckURL(tt.raw); problemOf(err) != tt.want || (tt.want == "") != (err == nil) {
				t.Errorf("CheckURL(%q): error = %v, want %q", tt.raw, err, tt.want)
			}
		})
	}
}

// The error is logged, and a URL may contain its owner's token.
func TestURLErrorDoesNotQuoteTheURL(t *testing.T) {
	t.Parallel()
	_, err := newGuard(t, guard.Config{}).CheckURL("https://example.com:1/?token=SECRET")
	if err == nil || strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), "example") {
		t.Errorf("error = %v, want one without the URL", err)
	}
}

// FuzzCheckURL checks what CheckURL accepts: an absolute https URL in ASCII, without
// user info or fragment, without a forbidden literal address, which CheckURL returns
// unchanged when it is checked again.
func FuzzCheckURL(f *testing.F) {
	for _, seed := range []string{
		"https://example.com/webhooks?a=b", "https://例子.测试/回调", "https://[2606:4700::1]:8443/", "https://user@example.com/", "https://example.com#",
		"https://example.com/?a=%zz", "https://example.com/a\u200b", "https://xn--a.com/<>", "https://0x7f.1/", "https://①②⑦.0.0.1", `https://a\@b`, "https://[fe80::1%25eth0]/", "https:foo", "https://example.com:0443", "https://a%2eb/", "https://8.8.8.8./",
	} {
		f.Add(seed)
	}
	g := newGuard(f, guard.Config{})
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := g.CheckURL(raw)
		if err != nil {
			if problemOf(err) == "" {
				t.Fatalf("error = %#v, want a *URLError", err)
			}
			return
		}
		checkAccepted(t, u)
		if guard.Host(raw) != u.Hostname() {
			t.Errorf("Host(%q) = %q, and CheckURL returns %q", raw, guard.Host(raw), u)
		}
		again, err := g.CheckURL(u.String())
		if problemOf(err) == guard.ProblemTooLong {
			return // escaping made it longer; the webhook stores raw
		}
		if err != nil {
			t.Fatalf("%q became %q, which is refused: %v", raw, u, err)
		}
		if again.String() != u.String() {
			t.Errorf("%q became %q and then %q", raw, u, again)
		}
	})
}

func checkAccepted(t *testing.T, u *url.URL) {
	t.Helper()
	text := u.String()
	if u.Scheme != "https" || u.User != nil || u.Host == "" || u.Opaque != "" || strings.Contains(text, "#") {
		t.Errorf("accepted %q", text)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		t.Errorf("accepted %q, which is not visible ASCII", text)
	}
	if _, err := url.PathUnescape(u.EscapedPath() + u.RawQuery); err != nil || strings.ContainsAny(u.EscapedPath()+u.RawQuery, `"<>[\]^{|}`+"`") {
		t.Errorf("accepted %q, whose path or query is not RFC 3986", text)
	}
	if strings.Contains(u.Host, ":") && strings.Contains(u.Host, "[") {
		t.Errorf("accepted %q, an IPv6 address", text)
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil && !addr.IsGlobalUnicast() || err == nil && addr.IsPrivate() {
		t.Errorf("accepted %q, a forbidden address", text)
	}
}
