package attempt

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"webhooks/shared/guard"
	"webhooks/shared/webhook/signature"
)

// Sender makes attempts. It is safe for concurrent use. A process needs only one: it
// reuses connections and TLS sessions.
type Sender struct {
	guard     *guard.Guard
	cfg       Config
	transport *http.Transport
	tls       *tls.Config
	active    atomic.Int64 // wall-clock time of the last activity, Unix nanoseconds
}

// New returns a Sender that dials through g.
func New(g *guard.Guard, cfg Config) *Sender {
	s := &Sender{
		guard: g,
		cfg:   cfg.withDefaults(),
		tls: &tls.Config{
			MinVersion:         tls.VersionTLS12,
			RootCAs:            cfg.RootCAs,
			ClientSessionCache: tls.NewLRUClientSessionCache(tlsSessions),
		},
	}
	// HTTP/1.1 only. On HTTP/2 one GOAWAY ends the attempts of several deliveries, and
	// net/http repeats a request after GOAWAY or REFUSED_STREAM although its bytes were
	// written: an attempt would not be exactly one request.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	s.transport = &http.Transport{
		Proxy:                  nil, // with the environment's proxy, the guard would check the proxy's address
		DialContext:            g.DialContext,
		DialTLSContext:         s.dialTLS,
		Protocols:              protocols,
		DisableCompression:     true,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		IdleConnTimeout:        maxIdleTime,
		MaxResponseHeaderBytes: maxHeaderBytes,
		WriteBufferSize:        writeBuffer,
	}
	return s
}

// Wake must be called at the start of every invocation, with the current time. While
// Lambda freezes a function, its timers stand still, so idle connections stay open
// although the receivers have closed them. After a pause of more than 3 s, Wake closes
// all idle connections.
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
	ctx, cancel := context.WithTimeout(caller, s.cfg.Timeout)
	defer cancel()
	var answered atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotFirstResponseByte: func() { answered.Store(true) },
	})
	request, err := s.newRequest(ctx, u, req)
	if err != nil {
		return Result{Failure: FailureInternal, Err: err}
	}
	// RoundTrip instead of a Client: no redirects, no cookies, no URL in errors.
	response, err := s.transport.RoundTrip(request)
	if err != nil {
		failure := failureOf(caller, err, answered.Load())
		return Result{Failure: failure, Err: forLog(err, failure)}
	}
	defer response.Body.Close()
	return s.read(caller, response)
}

// newRequest returns the signed HTTP request of req. With the GetBody that net/http
// sets, the transport uses another connection if a kept-alive one failed before a byte
// was written. After that it never repeats a POST without an Idempotency-Key header, so
// the request has none.
func (s *Sender) newRequest(ctx context.Context, u *url.URL, req Request) (*http.Request, error) {
	signed := signature.Sign(req.Keys, req.ID, req.Time, req.Body)
	if req.ID == "" || signed == "" {
		return nil, errIncomplete
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(req.Body))
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

// dialTLS returns a TLS connection. Unlike the transport's own dial, it gives an error
// of the handshake a type, so that failureOf recognises it.
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
		_ = conn.Close() // the error of the handshake matters
		return nil, &handshakeError{err}
	}
	return secured, nil
}
