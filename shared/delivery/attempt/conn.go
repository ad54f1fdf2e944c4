package attempt

import (
	"bufio"
	"crypto/tls"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"
)

// conn is a connection to a receiver. It makes one exchange at a time.
type conn struct {
	raw    *rawConn
	tls    *tls.Conn // nil without TLS
	key    string    // scheme, host and port
	reader *bufio.Reader
	writer *bufio.Writer
	// asked is set when the receiver asked for a client certificate.
	asked  atomic.Bool
	reused bool
	idle   time.Time // since when, for a connection in the pool
	expiry *time.Timer
}

// rawConn is a connection below TLS.
type rawConn struct {
	net.Conn
	received atomic.Int64 // bytes
	sent     atomic.Int64 // bytes
	alert    atomic.Int32 // the last TLS alert sent in clear, plus 1
	shaking  atomic.Bool  // during the TLS handshake
}

func (c *rawConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.received.Add(int64(n)) > maxHandshakeBytes && c.shaking.Load() {
		err = errHandshakeSize
	}
	return n, err
}

func (c *rawConn) Write(p []byte) (int, error) {
	// An alert in clear (RFC 8446 §5.1, §6): crypto/tls has no type for the errors of a
	// handshake that it ends itself, but its alert says what was wrong.
	if len(p) == 7 && p[0] == 21 && p[3] == 0 && p[4] == 2 {
		c.alert.Store(int32(p[6]) + 1)
	}
	n, err := c.Conn.Write(p)
	c.sent.Add(int64(n))
	return n, err
}

// longAgo returns a deadline that has passed.
func longAgo() time.Time { return time.Unix(1, 0) }

// interrupt ends all reads and writes.
func (c *conn) interrupt() { _ = c.raw.SetDeadline(longAgo()) } // fails only on a closed connection

// close closes an idle connection as the protocol wants it. It does not wait: the alert
// that ends TLS blocks for up to 5 s when the receiver does not read, and there may be
// maxIdle connections to close.
func (c *conn) close() {
	if c.tls != nil {
		go func() { _ = c.tls.Close() }() // the receiver may have closed it before
		return
	}
	_ = c.raw.Close()
}

// abort closes a connection at once. Unlike close it sends nothing, which could block.
func (c *conn) abort() { _ = c.raw.Close() }

// alive reports whether an idle connection is still open and nothing has arrived on it.
func (c *conn) alive() bool {
	// Round drops the monotonic clock, which may stand still while Lambda freezes the
	// function.
	if time.Now().Round(0).Sub(c.idle) > maxIdleTime {
		return false
	}
	if c.tls != nil && !c.tlsAlive() {
		return false
	}
	peeker, ok := c.raw.Conn.(syscall.Conn)
	if !ok {
		return true // not a socket, so nothing can be peeked
	}
	socket, err := peeker.SyscallConn()
	if err != nil {
		return false
	}
	var peeked error
	err = socket.Read(func(fd uintptr) bool {
		_, _, peeked = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return true // do not wait for data
	})
	return err == nil && (peeked == syscall.EAGAIN || peeked == syscall.EWOULDBLOCK)
}

// tlsAlive reports whether no record is left in the buffer of the TLS connection, such
// as the alert with which the receiver ends TLS. With a deadline in the past, Read looks
// only there. It must not write either: it answers a request for new keys (RFC 8446
// §4.6.3), which would block when the receiver does not read.
func (c *conn) tlsAlive() bool {
	if err := c.raw.SetDeadline(longAgo()); err != nil {
		return false
	}
	_, err := c.tls.Read(make([]byte, 1))
	return isTimeout(err) && c.raw.SetDeadline(time.Time{}) == nil
}

// writeGrace is how long a request may still be written after its response was read.
const writeGrace = 50 * time.Millisecond

// writing is a request that is being written.
type writing struct {
	done chan struct{}
	err  error // valid after done is closed
}

// finished reports whether the whole request was written.
func (w *writing) finished() bool {
	select {
	case <-w.done:
		return w.err == nil
	default:
		return false
	}
}

// write begins to write request. A large one is written while its response may arrive:
// a receiver may refuse it before it has read all of it.
func (c *conn) write(request *http.Request) *writing {
	w := &writing{done: make(chan struct{})}
	send := func() {
		defer close(w.done)
		if w.err = request.Write(c.writer); w.err == nil {
			w.err = c.writer.Flush()
		}
	}
	if request.ContentLength < writeBuffer/2 {
		send()
	} else {
		go send()
	}
	return w
}

// settle waits until request is written or cannot be written, and reports which.
func (c *conn) settle(w *writing) bool {
	if !w.finished() {
		if c.raw.SetWriteDeadline(time.Now().Add(writeGrace)) != nil {
			c.abort()
		}
		<-w.done
		if w.err == nil && c.raw.SetWriteDeadline(time.Time{}) != nil {
			return false
		}
	}
	return w.err == nil
}
