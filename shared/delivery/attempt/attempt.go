// Package attempt makes the attempts of deliveries. An attempt is exactly one HTTP
// request to one receiver.
//
// A receiver may be slow, broken or hostile. So its response is bounded in time and
// bytes, and is never decompressed or followed as a redirect.
//
// The package speaks HTTP/1.1 itself instead of using net/http's Transport. The
// Transport gives up a response as a whole if one header is wrong, or if the request
// could not be written to its end. A receiver that answered 200 in this way would get
// the event again at every attempt, and a 410 would not count.
package attempt

import (
	"context"
	"crypto/x509"
	"time"

	"webhooks/shared/webhook/signature"
)

// Fixed limits and defaults of an attempt.
const (
	// MaxBodyLimit bounds Config.BodyLimit, in bytes.
	MaxBodyLimit = 4 << 10
	// MaxRetryAfter bounds Result.RetryAfter.
	MaxRetryAfter = 24 * time.Hour

	maxHeaderBytes  = 64 << 10        // of all response headers together, including 1xx responses
	maxReadBytes    = 64 << 10        // of a response body
	maxIdleTime     = 3 * time.Second // of a kept-alive connection
	maxIdle         = 128             // kept-alive connections to all receivers
	maxIdlePerHost  = 16              // kept-alive connections to one receiver
	writeBuffer     = 16 << 10        // of a connection: most requests go out in one write
	tlsSessions     = 128             // cached for resumption, each with its certificates
	defaultTimeout  = 15 * time.Second
	defaultLimit    = 512
	defaultAgent    = "webhooks"
	contentTypeJSON = "application/json"
)

// Request is the request of an attempt.
type Request struct {
	URL  string    // as the webhook stores it
	ID   string    // the event's, [A-Za-z0-9_-]{1,64}; the same at every attempt
	Time time.Time // of this attempt; sent and signed in whole seconds
	Body []byte    // sent unchanged; the caller must not change it before Send returns
	Keys []signature.Key
	// Fresh asks for a new connection. It is for attempts after a failed one, whose
	// connection may have been the reason.
	Fresh bool
}

// Result is the result of an attempt. Either StatusCode or Failure is set, never both.
//
// The status counts as soon as it was read, even if the rest of the response is
// malformed, stalls, breaks off or never ends: Fault says so. Otherwise a receiver that
// answers 2xx but cannot finish its response would get the same event at every attempt
// of three days.
type Result struct {
	// StatusCode is the status of the final response, 200 to 999 (RFC 9110 §15 treats
	// a status above 599 as 5xx). It is 0 without a response.
	StatusCode int
	// Failure is the reason why there is no response, or empty.
	Failure Failure
	// Fault says which part of the response was wrong or missing, or is empty.
	// StatusCode is valid nevertheless.
	Fault Failure
	// ResponseTime is from the start of the attempt to the end of the response body or
	// to the failure.
	ResponseTime time.Duration
	// Timing has the parts of ResponseTime, except reading the response body.
	Timing Timing
	// ResponseBody is the beginning of the response body: at most Config.BodyLimit
	// bytes of valid UTF-8, with one U+FFFD in place of each run of invalid bytes. It
	// never ends within a character.
	ResponseBody string
	// Truncated says that ResponseBody is not the whole response body.
	Truncated bool
	// RetryAfter is the wait that a 429 or 503 response asks for (RFC 9110 §10.2.3),
	// at most MaxRetryAfter; 0 without a valid Retry-After header.
	RetryAfter time.Duration
	// Err is the cause of Failure or Fault, for the operator's log only: it may contain
	// addresses of our network. Of the request it contains only the receiver's name and
	// port. It contains nothing that the receiver sent, neither of its response nor of
	// its certificate: a receiver must not write lines that alarms react to. Its text
	// is cut after 300 bytes.
	Err error
}

// Problem returns Failure or Fault, whichever is set.
func (r Result) Problem() Failure {
	if r.Failure != "" {
		return r.Failure
	}
	return r.Fault
}

// Config holds the operator's choices. A zero field means its default.
type Config struct {
	// Timeout bounds an attempt, including the response body. Default: 15 s.
	Timeout time.Duration
	// BodyLimit bounds Result.ResponseBody in bytes, up to MaxBodyLimit. Default: 512.
	BodyLimit int
	// UserAgent is the user-agent header, our name and version. Default: "webhooks".
	UserAgent string
	// RootCAs verify the receivers' certificates. Default: the system's.
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

// Send makes one attempt and returns within Config.Timeout. It never repeats a request
// of which a byte was written. If ctx ends first, the Failure is FailureInternal,
// because it is not the receiver's.
func (s *Sender) Send(ctx context.Context, req Request) Result {
	start := time.Now()
	result := s.send(ctx, req)
	end := time.Now()
	result.ResponseTime = end.Sub(start)
	s.touch(end)
	return result
}
