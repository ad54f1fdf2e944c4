package guard_test

import (
	"testing"

	"webhooks/shared/guard"
)

func TestHostHasOneForm(t *testing.T) {
	t.Parallel()
	for want, raws := range map[string][]string{
		"example.com":             {"https://example.com", "HTTPS://EXAMPLE.com.:8443/a?b", "http://example.com:80", "https://ｅｘａｍｐｌｅ。com/<>"},
		"xn--fsqu00a.xn--0zwm56d": {"https://例子.测试/", "https://XN--FSQU00A.测试.", "https://xn--fsqu00a.xn--0zwm56d:443"},
		"8.8.8.8":                 {"https://8.8.8.8/", "https://8.8.8.8:8443/"},
		"2606:4700::1":            {"https://[2606:4700:0::0:1]/", "https://[2606:4700::1]:443"},
		"a.example.com":           {"https://a.example.com/"},
		"":                        {"", "https://%zz/", "https://[::1/", "/path"},
	} {
		for _, raw := range raws {
			if got := guard.Host(raw); got != want {
				t.Errorf("Host(%q) = %q, want %q", raw, got, want)
			}
		}
	}
}
