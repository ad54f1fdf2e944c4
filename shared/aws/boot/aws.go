package boot

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// AWS returns the SDK's configuration from the variables that Lambda sets: the
// region, the role's credentials, and the endpoint of a local cloud. The SDK's
// own loader also looks for profiles, SSO sessions and instance metadata, none
// of which a function has; without it the binary is a third smaller and the cold
// start a third shorter.
func (s *Settings) AWS() aws.Config {
	endpoint := s.getenv("AWS_ENDPOINT_URL")
	cfg := aws.Config{
		Region: s.Required("AWS_REGION"),
		// Lambda's credentials outlive the execution environment: no refresh is needed.
		Credentials: credentials.NewStaticCredentialsProvider(
			s.Required("AWS_ACCESS_KEY_ID"), s.Required("AWS_SECRET_ACCESS_KEY"), s.getenv("AWS_SESSION_TOKEN")),
		HTTPClient: httpClient(endpoint),
	}
	if endpoint != "" {
		cfg.BaseEndpoint = &endpoint
	}
	return cfg
}

// callTimeout bounds one try of an AWS call, from the dial to the end of the body.
const callTimeout = 5 * time.Second

func httpClient(endpoint string) aws.HTTPClient {
	// AWS answers these calls in milliseconds. A try that hangs must not use up
	// the invocation: the SDK retries it.
	buildable := awshttp.NewBuildableClient().WithTimeout(callTimeout).WithTransportOptions(func(t *http.Transport) {
		// The fanout and the dispatcher have up to 32 calls in flight. With fewer
		// idle connections they would repeat TLS handshakes.
		t.MaxIdleConnsPerHost = 32
		// With a smaller buffer a batch of messages takes several writes, each a
		// system call and, on AWS, a TLS record.
		t.WriteBufferSize = 64 << 10
	})
	if endpoint == "" {
		return buildable
	}
	return bufferingClient{buildable}
}

// bufferingClient copies the request body for the transport. smithy-go closes
// the body when the call returns; a loopback server can answer before net/http
// has written the whole body, and the closed body then fails the response. Only
// local endpoints are that fast.
type bufferingClient struct{ next aws.HTTPClient }

func (c bufferingClient) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		var body bytes.Buffer
		body.Grow(int(max(r.ContentLength, 0)) + bytes.MinRead)
		if _, err := body.ReadFrom(r.Body); err != nil {
			return nil, fmt.Errorf("buffer the request body: %w", err)
		}
		r.Body = io.NopCloser(&body)
	}
	return c.next.Do(r)
}
