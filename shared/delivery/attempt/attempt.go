// Package attempt makes the attempts of deliveries: one attempt is one HTTP
// request to one receiver, whatever the receiver does.
//
// The receiver is a stranger. It may be slow, endless, broken or hostile; so
// everything that comes from it is bounded in time and bytes, and nothing that it
// sends is followed, decompressed or believed further than its status line.
package attempt

import (
	"context"
	"crypto/x509"
	"time"

	"webhooks/shared/webhook/signature"
)

// The limits of an attempt that are not configured.
const (
	// MaxBodyLimit bounds Config.BodyLimit, in bytes.
	MaxBodyLimit = 4 << 10
	// MaxRetryAfter bounds Result.RetryAfter.
	MaxRetryAfter = 24 * time.Hour

	maxHeaderBytes  = 64 << 10        // of all response headers together, those of 1xx responses included
	maxReadBytes    = 64 << 10        // of a response body
	maxIdleTime     = 3 * time.Second // of a connection kept alive
	maxIdle         = 128             // connections kept alive, to all receivers
	maxIdlePerHost  = 16              // connections kept alive, to one receiver
	writeBuffer     = 16 << 10        // of a connection: most requests go out in one write
	tlsSessions     = 256             // TLS sessions kept to be resumed
	defaultTimeout  = 15 * time.Second
	defaultLimit    = 512
	defaultAgent    = "webhooks"
	tlsTimeout      = 5 * time.Second
	contentTypeJSON = "application/json"
)

// Request is what is sent.
type Request struct {
	URL  string    // the receiver's, as it was registered
	ID   string    // of the event, [A-Za-z0-9_-]{1,64}; the same at every attempt
	Time time.Time // of this attempt; sent and signed in whole seconds
	Body []byte    // sent as it is; not changed, and not to be changed until Send returns
	Keys []signature.Key
}

// Result is what came of it. Either StatusCode or Failure is set, never both.
//
// A response counts as soon as its header is complete, even if its body then
// stalls, breaks off or never ends. The status line is the receiver's answer, and
// the body takes no part in it; a receiver that acknowledged with 2xx but cannot
// end its body would otherwise get the same event again at every attempt of three
// days. BodyFailure tells that the body was cut short.
type Result struct {
	// StatusCode is that of the final response, 100 to 999 (RFC 9110 §15: above 599
	// to be treated as 5xx). It is 0 when there was none.
	StatusCode int
	// Failure is the reason why there is no response, or empty.
	Failure Failure
	// BodyFailure is the reason why the response body could not be read up to its
	// end or our limit, or empty. It takes nothing from StatusCode.
	BodyFailure Failure
	// ResponseTime is from the beginning of the attempt to the end of the response
	// body, or to the failure.
	ResponseTime time.Duration
	// ResponseBody is the beginning of the response body: at most Config.BodyLimit
	// bytes, valid UTF-8 (U+FFFD in place of what was not).
	ResponseBody string
	// Truncated tells that the response body went on after ResponseBody.
	Truncated bool
	// RetryAfter is the wait that a 429 or 503 response asks for (RFC 9110 §10.2.3),
	// at most MaxRetryAfter; 0 when it asks for none that we understand.
	RetryAfter time.Duration
	// Err is the cause of Failure or BodyFailure, for the operator's log only: it
	// may hold addresses of our network. It holds nothing of the request but names
	// and ports of the receiver, and nothing of what the receiver answered but names
	// in its certificate, in 300 bytes.
	Err error
}

// Config holds the operator's choices. A zero field means its default.
type Config struct {
	// Timeout bounds an attempt as a whole, reading the response body included: 15 s.
	Timeout time.Duration
	// BodyLimit bounds Result.ResponseBody in bytes: 512; MaxBodyLimit at most.
	BodyLimit int
	// UserAgent is the user-agent header: our name and version.
	UserAgent string
	// RootCAs verify the receivers' certificates: the system's.
	RootCAs *x509.CertPool
}

func (c Config) withDefaults() Config {
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if c.BodyLimit <= 0 {
		c.BodyLimit = defaultLimit
	}
	c.BodyLimit = min(c.BodyLimit, MaxBodyLimit)
	if c.UserAgent == "" {
		c.UserAgent = defaultAgent
	}
	return c
}

// Send makes one attempt and returns within Config.Timeout. It never sends a
// request again of which a byte was written. If ctx ends first the Failure is
// FailureInternal, since it is not the receiver's.
func (s *Sender) Send(ctx context.Context, req Request) Result {
	start := time.Now()
	result := s.send(ctx, req)
	end := time.Now()
	result.ResponseTime = end.Sub(start)
	s.touch(end)
	return result
}
