package guard_test

import (
	"errors"
	"net"
	"strings"
	"testing"

	"webhooks/shared/guard"
)

// forbidden returns addresses that are not on the public internet: at least one of
// each range, and first and last addresses of ranges, because a prefix length is
// easy to get wrong.
func forbidden() map[string][]string {
	return map[string][]string{
		"this network, RFC 791":            {"0.0.0.0", "0.0.0.1", "0.255.255.255"},
		"private, RFC 1918":                {"10.0.0.0", "10.0.0.1", "10.255.255.255", "172.16.0.0", "172.17.0.1", "172.31.255.255", "192.168.0.0", "192.168.255.255"},
		"shared, RFC 6598":                 {"100.64.0.0", "100.100.100.200", "100.127.255.255"},
		"loopback":                         {"127.0.0.0", "127.0.0.1", "127.0.0.2", "127.1.2.3", "127.255.255.255", "::1"},
		"link-local, instance metadata":    {"169.254.0.0", "169.254.169.254", "169.254.170.2", "169.254.169.253", "169.254.79.129", "169.254.255.255"},
		"IETF protocol assignments":        {"192.0.0.0", "192.0.0.8", "192.0.0.170", "192.0.0.255"},
		"documentation, RFC 5737":          {"192.0.2.1", "198.51.100.1", "203.0.113.1"},
		"AS112 and AMT":                    {"192.31.196.1", "192.52.193.1", "192.175.48.1", "2620:4f:8000::1"},
		"6to4 relays, RFC 7526":            {"192.88.99.0", "192.88.99.1", "192.88.99.255"},
		"benchmarks, RFC 2544":             {"198.18.0.0", "198.18.0.1", "198.19.255.255", "2001:2::1"},
		"multicast":                        {"224.0.0.0", "224.0.0.1", "239.255.255.250", "239.255.255.255", "ff00::", "ff02::1", "ff05::c", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		"reserved and broadcast":           {"240.0.0.0", "250.1.2.3", "255.255.255.254", "255.255.255.255"},
		"unspecified":                      {"::"},
		"IPv4-mapped":                      {"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:7f00:1", "::ffff:0.0.0.0"},
		"IPv4-compatible and -translated":  {"::127.0.0.1", "::7f00:1", "::a9fe:a9fe", "::8.8.8.8", "::ffff:0:127.0.0.1"},
		"NAT64, RFC 6052 and RFC 8215":     {"64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b::8.8.8.8", "64:ff9b:1::1", "64:ff9b:1:ffff::a00:1"},
		"discard and dummy":                {"100::1", "100:0:0:1::1"},
		"6to4, RFC 3056":                   {"2002::", "2002:7f00:1::1", "2002:a9fe:a9fe::1", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		"Teredo, RFC 4380":                 {"2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"},
		"ORCHID, AMT, AS112 in 2001::/23":  {"2001:3::1", "2001:4:112::1", "2001:10::1", "2001:20::1", "2001:1ff:ffff::1"},
		"IPv6 documentation":               {"2001:db8::1", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "3fff::1", "3fff:fff:ffff::1"},
		"segment routing, RFC 9602":        {"5f00::1"},
		"unique local, AWS metadata":       {"fc00::1", "fd00::1", "fd00:ec2::254", "fd00:ec2::253", "fd12:3456:789a::1", "fdff:ffff::1"},
		"IPv6 link-local":                  {"fe80::1", "fe80::1%lo", "fe80::a9fe:a9fe", "febf::1"},
		"site-local, RFC 3879":             {"fec0::1", "feff::1"},
		"loopback with a zone":             {"::1%lo"},
		"outside of global unicast":        {"1::1", "4000::1", "8000::1", "e000::1"},
		"mapped, spelt in capitals or hex": {"::FFFF:7F00:0001", "0:0:0:0:0:ffff:127.0.0.1", "0000:0000:0000:0000:0000:0000:0000:0001"},
	}
}

func TestDialRefusesForbiddenAddresses(t *testing.T) {
	t.Parallel()
	g := newGuard(t, guard.Config{})
	for why, addresses := range forbidden() {
		for _, address := range addresses {
			for _, port := range []string{"443", "8443"} {
				conn, err := g.DialContext(t.Context(), "tcp", net.JoinHostPort(address, port))
				if err == nil {
					conn.Close()
				}
				if !errors.Is(err, guard.ErrRefused) {
					t.Errorf("%s (%s), port %s: error = %v, want ErrRefused", address, why, port, err)
				}
			}
		}
	}
}

// AllowLocal permits loopback addresses and no others.
func TestDialRefusesForbiddenAddressesLocally(t *testing.T) {
	t.Parallel()
	g := newGuard(t, guard.Config{AllowLocal: true})
	for why, addresses := range forbidden() {
		if strings.Contains(why, "loopback") || strings.Contains(why, "mapped") {
			continue
		}
		for _, address := range addresses {
			if _, err := g.DialContext(t.Context(), "tcp", net.JoinHostPort(address, "80")); !errors.Is(err, guard.ErrRefused) {
				t.Errorf("%s (%s): error = %v, want ErrRefused", address, why, err)
			}
		}
	}
}
