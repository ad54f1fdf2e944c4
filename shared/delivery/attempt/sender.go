package attempt

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"webhooks/shared/guard"
	"webhooks/shared/webhook/signature"
)

// unreliableTime is how long the connections to a receiver are not kept alive after it
// closed a kept-alive one without a response.
const unreliableTime = 10 * time.Minute

// Sender makes attempts. It is safe for concurrent use. A process needs only one: it
// reuses connections and TLS sessions.
type Sender struct {
	guard  *guard.Guard
	cfg    Config
	tls    *tls.Config
	pool   pool
	active atomic.Int64 // wall-clock time of the last activity, Unix nanoseconds
	// unreliable has the keys of receivers whose connections are not kept alive, and
	// classic the addresses of those that need a small ClientHello.
	unreliable, classic            *hosts
	handshakeTimeout, helloTimeout time.Duration
}

// New returns a Sender that dials through g. It uses no proxy: with one, the guard would
// check the proxy's address.
//
// It speaks HTTP/1.1 only. On HTTP/2 one GOAWAY ends the attempts of several deliveries,
// and a request after GOAWAY or REFUSED_STREAM would have to be repeated although its
// bytes were written: an attempt would not be exactly one request.
func New(g *guard.Guard, cfg Config) *Sender {
	return &Sender{
		guard: g,
		cfg:   cfg.withDefaults(),
		tls: &tls.Config{
			MinVersion:         tls.VersionTLS12,
			RootCAs:            cfg.RootCAs,
			ClientSessionCache: tls.NewLRUClientSessionCache(tlsSessions),
		},
		unreliable:       newHosts(unreliableTime),
		classic:          newHosts(classicTime),
		handshakeTimeout: handshakeTimeout,
		helloTimeout:     helloTimeout,
	}
}

// Wake must be called at the start of every invocation, with the current time. While
// Lambda freezes a function, its timers stand still, so idle connections stay open
// although the receivers have closed them. After a pause of more than 3 s, Wake closes
// all idle connections.
func (s *Sender) Wake(now time.Time) {
	if last := s.active.Swap(now.UnixNano()); now.UnixNano()-last > int64(maxIdleTime) {
		s.pool.drop(everyHost)
	}
}

// Timeout is the longest time that an attempt takes.
func (s *Sender) Timeout() time.Duration { return s.cfg.Timeout }

func (s *Sender) touch(now time.Time) { s.active.Store(now.UnixNano()) }

// errIncomplete is the Err of a Request that cannot be signed.
var errIncomplete = errors.New("request without id or keys")

func (s *Sender) send(caller context.Context, req Request) Result {
	u, err := s.guard.CheckURL(req.URL)
	if err != nil {
		return Result{Failure: urlFailure(err), Err: err}
	}
	ctx, cancel := context.WithTimeout(caller, s.cfg.Timeout)
	defer cancel()
	address := dialAddress(u)
	key := u.Scheme + "://" + address
	unreliable := s.unreliable.has(key, time.Now())
	var timing Timing
	var c *conn
	if !req.Fresh && !unreliable {
		c = s.pool.take(key)
	}
	for {
		request, err := s.newRequest(u, req)
		if err != nil {
			return Result{Failure: FailureInternal, Err: err}
		}
		request.Close = unreliable // says that the connection is not kept
		if c == nil {
			if c, err = s.connect(ctx, u, address, key, &timing); err != nil {
				failure := connectFailure(caller, err)
				return Result{Failure: failure, Err: forLog(failure, err), Timing: timing}
			}
		}
		timing.Reused = c.reused
		result, repeatable := s.exchange(caller, ctx, c, request)
		if !repeatable || ctx.Err() != nil {
			timing.FirstByte = result.Timing.FirstByte
			result.Timing = timing
			return result
		}
		c = nil // the kept-alive connection was closed before a byte was written
	}
}

// newRequest returns the signed HTTP request of req.
func (s *Sender) newRequest(u *url.URL, req Request) (*http.Request, error) {
	signed := signature.Sign(req.Keys, req.ID, req.Time, req.Body)
	if req.ID == "" || signed == "" {
		return nil, errIncomplete
	}
	request, err := http.NewRequest(http.MethodPost, u.String(), bytes.NewReader(req.Body))
	if err != nil {
		return nil, err
	}
	request.Header = http.Header{
		"Content-Type":      {contentTypeJSON},
		"User-Agent":        {s.cfg.UserAgent},
		"Webhook-Id":        {req.ID},
		"Webhook-Signature": {signed},
		"Webhook-Timestamp": {strconv.FormatInt(req.Time.Unix(), 10)},
	}
	return request, nil
}

// urlFailure returns the Failure for an error of guard.CheckURL.
func urlFailure(err error) Failure {
	var urlErr *guard.URLError
	if errors.As(err, &urlErr) && urlErr.Problem == guard.ProblemAddress {
		return FailureRefused
	}
	return FailureURL
}

// dialAddress returns the host and port of u.
func dialAddress(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "http":
		port = "80"
	default:
		port = "443"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// connect returns a new connection to u, and adds to timing what it took.
func (s *Sender) connect(ctx context.Context, u *url.URL, address, key string, timing *Timing) (*conn, error) {
	var c *conn
	var err error
	if u.Scheme == "https" {
		c, err = s.secure(ctx, address, u.Hostname(), timing)
	} else {
		c, err = s.dial(ctx, address, timing)
	}
	if err != nil {
		return nil, err
	}
	c.key = key
	var stream net.Conn = c.raw
	if c.tls != nil {
		stream = c.tls
	}
	c.reader, c.writer = bufio.NewReader(stream), bufio.NewWriterSize(stream, writeBuffer)
	return c, nil
}

// dial returns a new connection without TLS.
func (s *Sender) dial(ctx context.Context, address string, timing *Timing) (*conn, error) {
	raw, err := timing.timed(ctx, func(ctx context.Context) (net.Conn, error) { return s.guard.DialContext(ctx, "tcp", address) })
	if err != nil {
		return nil, err
	}
	return &conn{raw: &rawConn{Conn: raw}}, nil
}
