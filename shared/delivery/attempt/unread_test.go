package attempt

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// watched is a connection that knows its write deadline. While looking is set, its reads
// note whether a write would block.
type watched struct {
	net.Conn
	writeDeadline  atomic.Int64
	looking, found atomic.Bool
}

func (w *watched) SetDeadline(t time.Time) error {
	w.writeDeadline.Store(t.UnixNano())
	return w.Conn.SetDeadline(t)
}

func (w *watched) SetWriteDeadline(t time.Time) error {
	w.writeDeadline.Store(t.UnixNano())
	return w.Conn.SetWriteDeadline(t)
}

func (w *watched) Read(p []byte) (int, error) {
	if w.looking.Load() && w.writeDeadline.Load() != longAgo().UnixNano() {
		w.found.Store(true)
	}
	return w.Conn.Read(p)
}

// newUnread returns an idle TLS connection without buffers, what is below it, and the
// receiver's end below TLS: a write blocks until the receiver reads.
func newUnread(t *testing.T) (c *conn, below *watched, receiver net.Conn) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"a.test"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	ours, receiver := net.Pipe()
	t.Cleanup(func() { ours.Close(); receiver.Close() })
	server := tls.Server(receiver, &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, SessionTicketsDisabled: true,
	})
	done := make(chan error, 1)
	go func() { done <- server.Handshake() }()
	below = &watched{Conn: ours}
	raw := &rawConn{Conn: below}
	c = &conn{raw: raw, key: "https://a.test:443", idle: time.Now(), tls: tls.Client(raw, &tls.Config{ServerName: "a.test", RootCAs: roots})}
	if err := errors.Join(c.tls.HandshakeContext(t.Context()), <-done); err != nil {
		t.Fatal(err)
	}
	return c, below, receiver
}

// The alert that ends TLS would block for 5 s for each idle connection whose receiver
// does not read. Then it would be given up: the receiver would see no alert.
func TestClosingIdleConnectionsDoesNotWaitForTheReceiver(t *testing.T) {
	t.Parallel()
	c, _, receiver := newUnread(t)
	var idle pool
	idle.put(c)
	idle.drop(everyHost)
	if _, err := receiver.Read(make([]byte, 1)); err != nil {
		t.Errorf("the receiver gets no alert that ends TLS: %v", err)
	}
}

// To look whether a connection is open reads what the receiver has sent. An answer to
// that, such as new keys, must not block either.
func TestLookingAtAnIdleConnectionDoesNotWaitForTheReceiver(t *testing.T) {
	t.Parallel()
	c, below, _ := newUnread(t)
	below.looking.Store(true)
	if !c.alive() {
		t.Error("the idle connection is not alive")
	}
	if below.found.Load() {
		t.Error("a write would block while an idle connection is looked at")
	}
	below.looking.Store(false)
	if below.writeDeadline.Load() != (time.Time{}).UnixNano() {
		t.Error("an idle connection keeps a write deadline")
	}
}
