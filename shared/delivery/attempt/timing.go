package attempt

import (
	"context"
	"net"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// Timing says how long the parts of an attempt took. A part is 0 if it was not needed or
// not reached. If a connection was tried twice, its parts are the sums.
type Timing struct {
	DNS     time.Duration // looking up the receiver's name
	Connect time.Duration // the TCP connection
	TLS     time.Duration // the TLS handshake
	// FirstByte is from the start of the request to the end of the response's header.
	FirstByte time.Duration
	// Reused says that an earlier attempt made the connection.
	Reused bool
}

// timed dials and adds the durations of its parts to t.
func (t *Timing) timed(ctx context.Context, dial func(context.Context) (net.Conn, error)) (net.Conn, error) {
	start := time.Now()
	var lookup atomic.Int64 // nothing says that the hook runs in this goroutine
	conn, err := dial(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSDone: func(httptrace.DNSDoneInfo) { lookup.Store(int64(time.Since(start))) },
	}))
	dns := time.Duration(lookup.Load())
	t.DNS += dns
	t.Connect += time.Since(start) - dns
	return conn, err
}
