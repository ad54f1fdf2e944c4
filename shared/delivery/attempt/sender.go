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
			RootCAs:            cfg.RootCAs,
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
		WriteBufferSize:        writeBuffer,
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
	// RoundTrip, not a Client: no redirects, no cookies, and errors without the URL.
	response, err := s.transport.RoundTrip(request)
	if err != nil {
		failure := failureOf(caller, err, answered.Load())
		return Result{Failure: failure, Err: forLog(err, failure)}
	}
	defer response.Body.Close()
	return s.read(caller, response)
}

// newRequest signs req. Its GetBody, which net/http makes, lets the transport turn
// to another connection when the kept-alive one died before a byte was written.
// Afterwards it never repeats a POST, as long as no Idempotency-Key header tells it
// that it may: so there is none.
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
		_ = conn.Close() // what matters is why the handshake failed
		return nil, &handshakeError{err}
	}
	return secured, nil
}
