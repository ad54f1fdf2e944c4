package guard_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// zone is a DNS server whose answers change: the n-th look-up of a name returns the
// n-th list of its addresses, and every look-up after the last list returns the
// last list.
type zone struct {
	names map[string][][]netip.Addr

	mu     sync.Mutex
	asked  map[dnsmessage.Question]int
	served sync.WaitGroup
}

// newResolver returns a resolver that asks a zone with names and no other server. It
// is Go's own resolver, as in production.
func newResolver(t *testing.T, names map[string][][]string) *net.Resolver {
	t.Helper()
	z := &zone{names: map[string][][]netip.Addr{}, asked: map[dnsmessage.Question]int{}}
	for name, answers := range names {
		for _, answer := range answers {
			var addrs []netip.Addr
			for _, text := range answer {
				addrs = append(addrs, netip.MustParseAddr(text))
			}
			z.names[name+"."] = append(z.names[name+"."], addrs)
		}
	}
	t.Cleanup(z.served.Wait)
	return &net.Resolver{
		PreferGo: true,
		Dial: func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			z.served.Go(func() {
				defer server.Close()
				for z.serve(server) == nil {
				}
			})
			return client, nil
		},
	}
}

// serve answers one query of the TCP form of DNS (RFC 1035 §4.2.2).
func (z *zone) serve(conn net.Conn) error {
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return err
	}
	packet := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, packet); err != nil {
		return err
	}
	var query dnsmessage.Message
	if err := query.Unpack(packet); err != nil {
		return err
	}
	reply, err := z.answer(query).Pack()
	if err != nil {
		return err
	}
	_, err = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
	return err
}

func (z *zone) answer(query dnsmessage.Message) *dnsmessage.Message {
	question := query.Questions[0]
	reply := &dnsmessage.Message{
		Header:    dnsmessage.Header{ID: query.ID, Response: true, Authoritative: true, RecursionAvailable: true},
		Questions: query.Questions,
	}
	answers, ok := z.names[strings.ToLower(question.Name.String())]
	if !ok {
		reply.RCode = dnsmessage.RCodeNameError
		return reply
	}
	z.mu.Lock()
	n := min(z.asked[question], len(answers)-1)
	z.asked[question]++
	z.mu.Unlock()
	for _, addr := range answers[n] {
		header := dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: question.Class}
		switch {
		case addr.Is4() && question.Type == dnsmessage.TypeA:
			reply.Answers = append(reply.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: addr.As4()}})
		case addr.Is6() && question.Type == dnsmessage.TypeAAAA:
			reply.Answers = append(reply.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
		}
	}
	return reply
}
