package e2e_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCreateRefusesBadURLs(t *testing.T) {
	t.Parallel()
	var cases []refusedCase
	for _, test := range badURLs() {
		cases = append(cases, badField(test.name, wanted("url", quoted(test.url)), "url"))
	}
	refuses(t, "POST", "/api/v1/webhooks", cases)
}

// longestURL is the maximum length of a URL in bytes.
const longestURL = 2048

// badURLs returns URLs as they are written in a JSON string.
func badURLs() []struct{ name, url string } {
	return []struct{ name, url string }{
		{"empty", ``},
		{"no scheme", `127.0.0.1/webhook`},
		{"scheme alone", `https://`},
		{"no host", `https:///webhook`},
		{"port without host", `https://:443/webhook`},
		{"relative", `/webhook`},
		{"ftp", `ftp://example.com/webhook`},
		{"javascript", `javascript:alert(1)`},
		{"file", `file:///etc/passwd`},
		{"user", `https://user@example.com/webhook`},
		{"user and password", `https://user:password@example.com/webhook`},
		{"empty user", `https://@example.com/webhook`},
		{"fragment", `https://example.com/webhook#part`},
		{"empty fragment", `https://example.com/webhook#`},
		{"port 0", `https://example.com:0/webhook`},
		{"port 65536", `https://example.com:65536/webhook`},
		{"negative port", `https://example.com:-1/webhook`},
		{"port of letters", `https://example.com:https/webhook`},
		{"empty port", `https://example.com:/webhook`},
		{"space in it", `https://example.com/web hook`},
		{"space before it", ` https://example.com/webhook`},
		{"space after it", `https://example.com/webhook `},
		{"tab", `https://example.com/\twebhook`},
		{"line break", `https://example.com/\nwebhook`},
		{"backslash", `https:\\\\example.com\\webhook`},
		{"quote", `https://example.com/\"webhook`},
		{"bad escape in the query", `https://example.com/?a=%zz`},
		{"zero width space at the end", `https://example.com/webhook\u200b`},
		{"soft hyphen in the host", `https://exam\u00adple.com/webhook`},
		{"public IPv6", `https://[2606:4700:4700::1111]/webhook`},
		{"bad escape", `https://example.com/%zz`},
		{"2,049 bytes", nobody + "?" + strings.Repeat("a", longestURL+1-len(nobody)-1)},
		{"bad label", `https://exa mple.com/`},
		{"empty label", `https://example..com/`},
		{"single label", `https://intranet/webhook`},
		{"internal domain", `https://ip-10-0-0-1.ec2.internal/webhook`},
		{"private address", `https://10.0.0.1/webhook`},
		{"shared address", `https://100.64.0.1/webhook`},
		{"metadata service", `http://169.254.169.254/latest/meta-data/`},
		{"metadata service in IPv6", `http://[fd00:ec2::254]/latest/meta-data/`},
		{"link-local in IPv6", `https://[fe80::1]/webhook`},
		{"zone", `https://[fe80::1%25eth0]/webhook`},
		{"loopback in IPv4-mapped form", `https://[::ffff:127.0.0.1]/webhook`},
		{"decimal address", `https://2130706433/webhook`},
		{"hexadecimal address", `https://0x7f.1/webhook`},
		{"unspecified address", `https://0.0.0.0/webhook`},
		{"multicast", `https://224.0.0.1/webhook`},
		{"broken IPv6", `https://[::1/webhook`},
	}
}

// TestLargestRequestIsAccepted sends a request that reaches every limit.
func TestLargestRequestIsAccepted(t *testing.T) {
	t.Parallel()
	longest := nobody + "?" + strings.Repeat("a", longestURL-len(nobody)-1)
	full := wanted("", "")
	tests := []struct{ name, body string }{
		{"256 KiB", full + strings.Repeat(" ", 256<<10-len(full))},
		{"URL of 2,048 bytes", wanted("url", quoted(longest))},
		{"name of 128 characters", wanted("name", quoted(strings.Repeat("名", 128)))},
		{"name of one character", wanted("name", `"环"`)},
		{"secret of 8 characters", wanted("secret", `"密钥密钥密钥密钥"`)},
		{"secret of 256 characters", wanted("secret", quoted(strings.Repeat("s", 256)))},
		{"base64 of 24 bytes", wanted("secret", `"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"`)},
		{"base64 of 64 bytes", wanted("secret", quoted("whsec_"+strings.Repeat("MDEy", 21)+"MA=="))},
		{"port 65535", wanted("url", `"http://127.0.0.1:65535/"`)},
	}
	c := setup(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := c.with(t, c.key).call("POST", "/api/v1/webhooks", test.body)
			if got.Status != http.StatusCreated {
				t.Errorf("status = %d: %s", got.Status, got.Body)
			}
		})
	}
}

func TestBadIDsAreRefused(t *testing.T) {
	t.Parallel()
	c := setup(t)
	c.call("POST", "/api/v1/webhooks", documented)
	routes := []struct{ method, rest, body string }{
		{"GET", "", ""},
		{"PUT", "", `{"enabled":true}`},
		{"DELETE", "", ""},
		{"POST", "/test", ""},
		{"GET", "/logs", ""},
	}
	for _, id := range []string{"0", "-1", "+1", "01", "1.0", "1e0", "abc", "1%20", "0x1", "9223372036854775808", "一",
		"1%23x", "1%3Fx", "1%3Fpage=1", "1%2523x", "1%253Fx", "%2531", "1%25", "1%00", "1%0A", "1%0A%7B%22level%22%3A%22ERROR%22%7D%0A", "%EF%BC%91", "1%3B", "1%FF", "1%5C"} {
		t.Run(id, func(t *testing.T) {
			for _, route := range routes {
				c.with(t, c.key).call(route.method, "/api/v1/webhooks/"+id+route.rest, route.body).
					is(t, http.StatusBadRequest, `{"code": 40004, "message": "webhook_id 必须是正整数"}`)
			}
		})
	}
	c.call("GET", path(9223372036854775807), "").is(t, http.StatusNotFound, `{"code": 40401, "message": "Webhook 不存在"}`)
	c.call("GET", path(1), "").is(t, http.StatusOK, shown("环境事件通知", "true"))
}

func TestBadPagesAreRefused(t *testing.T) {
	t.Parallel()
	c := setup(t)
	c.call("POST", "/api/v1/webhooks", documented)
	values := []string{"0", "-1", "+1", "01", "1.5", "1e3", "", "x", " ", "null", "99999999999999999999", "1&%s=2"}
	var tests []struct {
		query  string
		fields []string
	}
	add := func(query string, fields ...string) {
		tests = append(tests, struct {
			query  string
			fields []string
		}{query, fields})
	}
	for _, name := range []string{"page", "page_size", "before"} {
		for _, value := range values {
			if strings.Contains(value, "%s") {
				add("?"+name+"="+fmt.Sprintf(value, name), name) // the parameter twice
				continue
			}
			add("?"+name+"="+url.QueryEscape(value), name)
		}
	}
	add("?page_size=101", "page_size")
	add("?page=0&page_size=0", "page", "page_size")
	for _, test := range tests {
		t.Run(test.query, func(t *testing.T) {
			got := c.with(t, c.key).call("GET", path(1, "/logs", test.query), "").refused(t)
			if got.Status != http.StatusBadRequest || got.Code != 40002 {
				t.Errorf("response = %+v, want the status 400 and the code 40002", got)
			}
			if diff := cmp.Diff(test.fields, got.Fields); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}
