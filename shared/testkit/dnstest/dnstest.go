// Package dnstest is a DNS server for tests, whose answers change.
package dnstest

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

// Zone is a DNS server. It knows the names of [Zone.Set] and no others.
type Zone struct {
	mu      sync.Mutex
	answers map[string][][]netip.Addr // by name, with the final dot
	asked   map[dnsmessage.Question]int
	served  sync.WaitGroup
}

// New returns a zone without names. When the test ends, it waits for its clients.
func New(t testing.TB) *Zone {
	z := &Zone{answers: map[string][][]netip.Addr{}, asked: map[dnsmessage.Question]int{}}
	t.Cleanup(z.served.Wait)
	return z
}

// Set sets the addresses of a name. The n-th look-up from now on returns the n-th answer,
// and every look-up after the last one returns the last one.
func (z *Zone) Set(name string, answers ...[]string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.answers[name+"."] = nil
	for _, answer := range answers {
		var addrs []netip.Addr
		for _, text := range answer {
			addrs = append(addrs, netip.MustParseAddr(text))
		}
		z.answers[name+"."] = append(z.answers[name+"."], addrs)
	}
	for question := range z.asked {
		if question.Name.String() == name+"." {
			delete(z.asked, question)
		}
	}
}

// Resolver returns a resolver that asks z and no other server. It is Go's own, as in
// production.
func (z *Zone) Resolver() *net.Resolver {
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
func (z *Zone) serve(conn net.Conn) error {
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

func (z *Zone) answer(query dnsmessage.Message) *dnsmessage.Message {
	question := query.Questions[0]
	reply := &dnsmessage.Message{
		Header:    dnsmessage.Header{ID: query.ID, Response: true, Authoritative: true, RecursionAvailable: true},
		Questions: query.Questions,
	}
	addrs, known := z.next(question)
	if !known {
		reply.RCode = dnsmessage.RCodeNameError
	}
	for _, addr := range addrs {
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

// next returns the addresses that the next answer to question has, and false if its name
// is unknown.
func (z *Zone) next(question dnsmessage.Question) ([]netip.Addr, bool) {
	z.mu.Lock()
	defer z.mu.Unlock()
	answers := z.answers[strings.ToLower(question.Name.String())]
	if len(answers) == 0 {
		return nil, false
	}
	n := min(z.asked[question], len(answers)-1)
	z.asked[question]++
	return answers[n], true
}
