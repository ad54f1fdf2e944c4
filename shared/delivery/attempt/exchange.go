package attempt

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
	"unicode/utf8"
)

// exchange sends request on c and reads the response. ctx bounds it, and caller is the
// context of Send. repeatable says that no byte of the request was written.
//
// An answer counts although the request could not be written to its end: a receiver may
// answer and close the connection before it has read all of it.
func (s *Sender) exchange(caller, ctx context.Context, c *conn, request *http.Request) (result Result, repeatable bool) {
	stop := context.AfterFunc(ctx, c.interrupt)
	sent, received := c.raw.sent.Load(), c.raw.received.Load()
	start := time.Now()
	w := c.write(request)
	h, err := readHead(c.reader)
	if err != nil {
		c.abort()
		stop()
		result = c.failed(caller, w, err)
		<-w.done
		if !c.reused || isTimeout(err) || c.raw.received.Load() != received {
			return result, false
		}
		if repeatable = c.raw.sent.Load() == sent; !repeatable {
			s.distrust(c)
		}
		return result, repeatable
	}
	firstByte := time.Since(start)
	result, b := s.read(caller, &h, c)
	result.Timing.FirstByte = firstByte
	if !c.settle(w) || !stop() || !h.keepAlive() || !b.atEnd() || result.Fault != "" || request.Close {
		c.abort()
		stop()
		return result, false
	}
	c.idle, c.reused = time.Now().Round(0), true
	s.pool.put(c)
	return result, false
}

// distrust closes the other connections to the receiver of c, and keeps none for a
// while: it closed a kept-alive connection without a response.
//
// Send does not repeat the request. The receiver may have processed it, and the next
// attempt, which uses a new connection, comes soon.
func (s *Sender) distrust(c *conn) {
	s.unreliable.add(c.key, time.Now())
	s.pool.drop(c.key)
}

// failed returns the Result of an attempt that ended with err before a status was read.
func (c *conn) failed(caller context.Context, w *writing, err error) Result {
	var failure Failure
	switch {
	case caller.Err() != nil:
		failure = FailureInternal
	case isTimeout(err) && !w.finished():
		failure = FailureSend
	case isTimeout(err):
		failure = FailureTimeout
	case errors.Is(err, errNotHTTP), errors.Is(err, errStatus), errors.Is(err, errHeaderSize):
		failure = FailureProtocol
	default:
		// A TLS 1.3 server refuses a client after the handshake.
		failure = FailureReset
		if alert, is := remoteAlert(err); is {
			failure = c.alerted(alert)
		}
	}
	return Result{Failure: failure, Err: forLog(failure, err)}
}

// read returns the Result of a response with header h, and its body.
func (s *Sender) read(caller context.Context, h *head, c *conn) (Result, *body) {
	result := Result{StatusCode: h.status}
	if result.StatusCode == http.StatusTooManyRequests || result.StatusCode == http.StatusServiceUnavailable {
		result.RetryAfter = retryAfter(h.retryAfter, time.Now())
	}
	b := newBody(h, c.reader)
	// UTFMax bytes beyond the limit show whether the character at the limit is complete.
	head, err := io.ReadAll(io.LimitReader(b, int64(s.cfg.BodyLimit+utf8.UTFMax)))
	var rest int64
	if err == nil {
		// After a body that was read to its end, the connection can be reused.
		rest, err = io.Copy(io.Discard, io.LimitReader(b, maxReadBytes-int64(len(head))))
	}
	more := rest > 0 || err != nil || !b.complete
	result.ResponseBody, result.Truncated = excerpt(head, s.cfg.BodyLimit, more)
	result.Truncated = result.Truncated || more
	if err != nil {
		h.blame(b.fault(caller, err))
	} else if h.broken != nil {
		err = h.broken
	}
	if result.Fault = h.fault; result.Fault != "" {
		result.Err = forLog(result.Fault, err)
	}
	return result, b
}

// fault returns the Fault of a body that could not be read because of err.
func (b *body) fault(caller context.Context, err error) Failure {
	switch {
	case caller.Err() != nil:
		return FailureInternal
	case isTimeout(err):
		return FaultBodyTimeout
	case b.coding == codingChunked && !isConnectionLost(err):
		return FaultChunk
	}
	return FailureReset
}
