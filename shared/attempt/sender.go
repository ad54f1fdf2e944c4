package attempt

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"time"

	"webhooks/shared/guard"
	"webhooks/shared/signature"
)

// Sender makes attempts. It is safe for concurrent use, and meant to live as long
// as the process: it keeps connections and TLS sessions for a short while.
type Sender struct {
	guard     *guard.Guard
	cfg       Config
	transport *http.Transport
	tls       *tls.Config
	active    atomic.Int64 // unix nanoseconds of the last activity, by the wall clock
}

// New returns a Sender whose every connection is made by g.
func New(g *guard.Guard, cfg Config) *Sender {
	s := &Sender{
		guard: g,
		cfg:   cfg.withDefaults(),
		tls: &tls.Config{
			MinVersion:         tls.VersionTLS12,
			ClientSessionCache: tls.NewLRUClientSessionCache(tlsSessions),
		},
	}
	// HTTP/1.1 only. An HTTP/2 connection is shared, so one GOAWAY ends the attempts
	// of several deliveries at once, and net/http sends a request again after
	// GOAWAY or REFUSED_STREAM, although its bytes were written: an attempt would
	// no longer be one request.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	s.transport = &http.Transport{
		Proxy:                  nil, // not the environment's: the guard would see the proxy's address
		DialContext:            g.DialContext,
		DialTLSContext:         s.dialTLS,
		Protocols:              protocols,
		DisableCompression:     true,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		IdleConnTimeout:        maxIdleTime,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
	return s
}

// Wake is called at the start of every invocation, with the time. A function that
// was frozen wakes up with connections that its receivers gave up long ago, while
// the timers that would have closed them stood still; so after a pause of more than
// 3 s they are closed before anything is sent.
func (s *Sender) Wake(now time.Time) {
	if last := s.active.Swap(now.UnixNano()); now.UnixNano()-last > int64(maxIdleTime) {
		s.transport.CloseIdleConnections()
	}
}

func (s *Sender) touch(now time.Time) { s.active.Store(now.UnixNano()) }

// errIncomplete is the Err of a Request that cannot be signed.
var errIncomplete = errors.New("request without id or keys")

func (s *Sender) send(caller context.Context, req Request) Result {
	u, err := s.guard.CheckURL(req.URL)
	if err != nil {
		return Result{Failure: urlFailure(err), Err: err}
	}
	signed := signature.Sign(req.Keys, req.ID, req.Time, req.Body)
	if req.ID == "" || signed == "" {
		return Result{Failure: FailureInternal, Err: errIncomplete}
	}
	ctx, cancel := context.WithTimeout(caller, s.cfg.Timeout)
	defer cancel()
	var answered atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotFirstResponseByte: func() { answered.Store(true) },
	})

	// RoundTrip, not a Client: no redirects, no cookies, and errors without the URL.
	// GetBody lets net/http turn to another connection when the kept-alive one died
	// before a byte was written. After that it never repeats a POST, as long as no
	// Idempotency-Key header says that it may.
	request := (&http.Request{
		Method:        http.MethodPost,
		URL:           u,
		Host:          u.Host,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		ContentLength: int64(len(req.Body)),
		Body:          io.NopCloser(bytes.NewReader(req.Body)),
		GetBody:       func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(req.Body)), nil },
		Header: http.Header{
			"Webhook-Id":        {req.ID},
			"Webhook-Timestamp": {strconv.FormatInt(req.Time.Unix(), 10)},
			"Webhook-Signature": {signed},
			"Content-Type":      {contentTypeJSON},
			"User-Agent":        {s.cfg.UserAgent},
		},
	}).WithContext(ctx)
	response, err := s.transport.RoundTrip(request)
	if err != nil {
		return Result{Failure: failureOf(caller, err, answered.Load()), Err: err}
	}
	defer response.Body.Close()
	return s.read(caller, response)
}

func urlFailure(err error) Failure {
	var urlErr *guard.URLError
	if errors.As(err, &urlErr) && urlErr.Problem == guard.ProblemAddress {
		return FailureRefused
	}
	return FailureURL
}

// dialTLS makes a TLS connection. It exists so that an error of the handshake can
// be told from one of the connection by its type.
func (s *Sender) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	conn, err := s.guard.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	cfg := s.tls.Clone()
	cfg.ServerName = host
	ctx, cancel := context.WithTimeout(ctx, tlsTimeout)
	defer cancel()
	secured := tls.Client(conn, cfg)
	if err := secured.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, &handshakeError{err}
	}
	return secured, nil
}
