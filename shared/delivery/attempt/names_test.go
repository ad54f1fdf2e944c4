package attempt_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"webhooks/shared/delivery/attempt"
	"webhooks/shared/guard"
)

// names is a DNS server with one address for each name.
type names struct {
	mu        sync.Mutex
	addresses map[string]string
}

func (n *names) set(name, address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addresses[name] = address
}

// resolver returns Go's own resolver, as in production, that asks n and nobody else.
func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			for n.serve(server) == nil {
			}
		}()
		return client, nil
	}}
}

// serve answers one query of the TCP form of DNS (RFC 1035 §4.2.2).
func (n *names) serve(conn net.Conn) error {
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return err
	}
	packet := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, packet); err != nil {
		return err
	}
	var m dnsmessage.Message
	if err := m.Unpack(packet); err != nil {
		return err
	}
	question := m.Questions[0]
	n.mu.Lock()
	address, known := n.addresses[strings.TrimSuffix(question.Name.String(), ".")]
	n.mu.Unlock()
	m = dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}, Questions: m.Questions}
	header := dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: question.Class}
	switch addr, err := netip.ParseAddr(address); {
	case !known || err != nil:
		m.RCode = dnsmessage.RCodeNameError
	case addr.Is4() && question.Type == dnsmessage.TypeA:
		m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AResource{A: addr.As4()}}}
	case addr.Is6() && question.Type == dnsmessage.TypeAAAA:
		m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}}}
	}
	reply, err := m.Pack()
	if err != nil {
		return err
	}
	_, err = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
	return err
}

// A name whose address is refused does not end its deliveries for
// good: another answer of the DNS may be right. Only the URL itself can.
func TestARefusedAddressOfANameIsNotPermanent(t *testing.T) {
	t.Parallel()
	dns := names{addresses: map[string]string{
		"loopback.example.com": "127.0.0.1", "any.example.com": "0.0.0.0", "private.example.com": "10.0.0.1",
		"metadata.example.com": "169.254.169.254", "ula.example.com": "fd00::1", "loopback6.example.com": "::1",
	}}
	g, err := guard.New(guard.Config{Resolver: dns.resolver()})
	if err != nil {
		t.Fatal(err)
	}
	sender := attempt.New(g, attempt.Config{Timeout: patience})
	for host := range dns.addresses {
		got := sender.Send(t.Context(), newRequest(t, "https://"+host+"/"))
		checkResult(t, got, attempt.Result{Failure: attempt.FailureConnect})
		if got.Failure.Permanent() || got.Failure.Text() != attempt.FailureRefused.Text() {
			t.Errorf("%s: permanent %t, text %q", host, got.Failure.Permanent(), got.Failure.Text().English)
		}
	}
	for _, url := range []string{"https://10.0.0.1/", "https://127.0.0.1/", "https://[fd00::1]/", "https://localhost/", "https://db.internal/"} {
		got := sender.Send(t.Context(), newRequest(t, url))
		checkResult(t, got, attempt.Result{Failure: attempt.FailureRefused})
		if !got.Failure.Permanent() {
			t.Errorf("%s: not permanent", url)
		}
	}
}

// A delivery goes on when the name leads to its receiver again.
func TestANameThatWasRefusedIsReachedLater(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	// Loopback stands for the public address.
	dns := names{addresses: map[string]string{"moving.example.com": "10.0.0.1"}}
	g, err := guard.New(guard.Config{AllowLocal: true, Resolver: dns.resolver()})
	if err != nil {
		t.Fatal(err)
	}
	sender := attempt.New(g, attempt.Config{Timeout: patience})
	request := newRequest(t, "http://moving.example.com:"+port)
	checkResult(t, sender.Send(t.Context(), request), attempt.Result{Failure: attempt.FailureConnect})
	dns.set("moving.example.com", "127.0.0.1")
	if got := sender.Send(t.Context(), request); got.StatusCode != 404 {
		t.Errorf("result = %+v, want the answer of the receiver", got)
	}
}
