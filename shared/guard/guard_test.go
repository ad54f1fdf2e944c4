package guard_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"webhooks/shared/guard"
	"webhooks/shared/testkit/dnstest"
)

func newGuard(t testing.TB, cfg guard.Config) *guard.Guard {
	t.Helper()
	g, err := guard.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// listen opens a listener and counts its connections.
func listen(t *testing.T, address string) (port string, accepted *atomic.Int32) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatalf("listen on %s: %v", address, err)
	}
	accepted = new(atomic.Int32)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			conn.Close()
		}
	}()
	t.Cleanup(func() { listener.Close(); <-done })
	_, port, err = net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port, accepted
}

func TestDialRefusesPortsAndNetworks(t *testing.T) {
	t.Parallel()
	g := newGuard(t, guard.Config{Ports: []uint16{443}})
	for _, target := range []struct{ network, address string }{
		{network: "tcp", address: "192.0.43.8:80"},
		{network: "tcp", address: "192.0.43.8:8443"},
		{network: "tcp", address: "192.0.43.8:22"},
		{network: "tcp", address: "[2600::]:6379"},
		{network: "udp", address: "192.0.43.8:443"},
		{network: "unix", address: "/run/docker.sock"},
	} {
		if _, err := g.DialContext(t.Context(), target.network, target.address); !errors.Is(err, guard.ErrRefused) {
			t.Errorf("%s %s: error = %v, want ErrRefused", target.network, target.address, err)
		}
	}
}

func TestDialRefusesLoopbackByAnyName(t *testing.T) {
	t.Parallel()
	port, accepted := listen(t, "127.0.0.1:0")
	resolver := names(t, map[string][][]string{
		"loop.example.com":   {{"127.0.0.1"}},
		"loop6.example.com":  {{"::1"}},
		"both.example.com":   {{"127.0.0.1", "::1", "0.0.0.0"}},
		"mapped.example.com": {{"::ffff:127.0.0.1"}},
	})
	// Every port is permitted, so only the address can be the reason.
	var all []uint16
	for p := 1; p < 1<<16; p++ {
		all = append(all, uint16(p))
	}
	g := newGuard(t, guard.Config{Ports: all, Resolver: resolver})
	for _, host := range []string{
		"127.0.0.1", "127.0.0.2", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "localhost",
		"loop.example.com", "loop6.example.com", "both.example.com", "mapped.example.com", "LOOP.example.com.",
	} {
		if _, err := g.DialContext(t.Context(), "tcp", net.JoinHostPort(host, port)); !errors.Is(err, guard.ErrRefused) {
			t.Errorf("%s: error = %v, want ErrRefused", host, err)
		}
	}
	if n := accepted.Load(); n != 0 {
		t.Errorf("%d connections arrived, want none", n)
	}
}

// DNS rebinding: a name can resolve to another address at each look-up. In this
// test, loopback stands for the public address.
func TestDialAfterRebinding(t *testing.T) {
	t.Parallel()
	port, accepted := listen(t, "127.0.0.1:0")
	g := newGuard(t, guard.Config{AllowLocal: true, Resolver: names(t, map[string][][]string{
		"rebind.example.com": {{"127.0.0.1"}, {"10.0.0.1"}, {"169.254.169.254", "fd00:ec2::254"}},
	})})
	conn, err := g.DialContext(t.Context(), "tcp", "rebind.example.com:"+port)
	if err != nil {
		t.Fatalf("first dial: %v", err)
	}
	conn.Close()
	for n := range 3 {
		if _, err := g.DialContext(t.Context(), "tcp", "rebind.example.com:"+port); !errors.Is(err, guard.ErrRefused) {
			t.Errorf("dial %d after rebinding: error = %v, want ErrRefused", n, err)
		}
	}
	if n := accepted.Load(); n > 1 {
		t.Errorf("%d connections arrived, want 1", n)
	}
}

// Of a permitted and a forbidden address only the permitted one is dialled. If that
// dial fails, the error does not wrap ErrRefused, whatever the order of the DNS
// answer.
func TestDialOfMixedName(t *testing.T) {
	t.Parallel()
	open, _ := listen(t, "127.0.0.1:0")
	g := newGuard(t, guard.Config{AllowLocal: true, Resolver: names(t, map[string][][]string{
		"good-first.example.com": {{"127.0.0.1", "10.0.0.1"}},
		"bad-first.example.com":  {{"10.0.0.1", "127.0.0.1"}},
		"six.example.com":        {{"fd00::1", "127.0.0.1"}},
		"bad-only.example.com":   {{"10.0.0.1", "fd00::1"}},
	})})
	closed := closedPort(t)
	for _, host := range []string{"good-first.example.com", "bad-first.example.com", "six.example.com"} {
		conn, err := g.DialContext(t.Context(), "tcp", net.JoinHostPort(host, open))
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		if got, want := conn.RemoteAddr().String(), "127.0.0.1:"+open; got != want {
			t.Errorf("%s: connected to %s, want %s", host, got, want)
		}
		conn.Close()

		_, err = g.DialContext(t.Context(), "tcp", net.JoinHostPort(host, closed))
		if err == nil || errors.Is(err, guard.ErrRefused) {
			t.Errorf("%s, closed port: error = %v, want one that does not wrap ErrRefused", host, err)
		}
	}
	if _, err := g.DialContext(t.Context(), "tcp", net.JoinHostPort("bad-only.example.com", open)); !errors.Is(err, guard.ErrRefused) {
		t.Errorf("only forbidden addresses: error = %v, want ErrRefused", err)
	}
}

func TestDialOfUnknownName(t *testing.T) {
	t.Parallel()
	g := newGuard(t, guard.Config{Resolver: dnstest.New(t).Resolver()})
	// C resolvers read the last three as loopback addresses.
	for _, host := range []string{"nobody.example.com", "0x7f.0.0.1", "0177.0.0.1", "2130706433"} {
		_, err := g.DialContext(t.Context(), "tcp", net.JoinHostPort(host, "443"))
		var dnsErr *net.DNSError
		if !errors.As(err, &dnsErr) || errors.Is(err, guard.ErrRefused) {
			t.Errorf("%s: error = %v, want a DNS error", host, err)
		}
	}
}

func TestDialStopsWithItsContext(t *testing.T) {
	t.Parallel()
	port, _ := listen(t, "127.0.0.1:0")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g := newGuard(t, guard.Config{AllowLocal: true})
	if _, err := g.DialContext(ctx, "tcp", "127.0.0.1:"+port); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled", err)
	}
}

// closedPort returns a port on 127.0.0.1 without a listener.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// names returns a resolver that knows names. The n-th look-up of a name returns the n-th
// list of its addresses, and those after the last list return the last one.
func names(t *testing.T, names map[string][][]string) *net.Resolver {
	t.Helper()
	zone := dnstest.New(t)
	for name, answers := range names {
		zone.Set(name, answers...)
	}
	return zone.Resolver()
}
