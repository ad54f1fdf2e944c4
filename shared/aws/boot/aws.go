// Package cloud makes the AWS configuration that every function shares.
package cloud

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

// Config makes the SDK's configuration of the variables that Lambda sets:
// region, the role's credentials, and for a local cloud its endpoint. The
// SDK's own loader would also look for profiles, SSO sessions and instance
// metadata, none of which a function has; leaving it out saves a third of the
// binary and of the cold start.
func Config(getenv func(string) string) (aws.Config, error) {
	settings := NewSettings(getenv)
	cfg := aws.Config{
		Region: settings.Required("AWS_REGION"),
		// Lambda gives an execution environment credentials that outlive it.
		Credentials: credentials.NewStaticCredentialsProvider(
			settings.Required("AWS_ACCESS_KEY_ID"), settings.Required("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN")),
		HTTPClient: client(getenv("AWS_ENDPOINT_URL")),
	}
	if endpoint := getenv("AWS_ENDPOINT_URL"); endpoint != "" {
		cfg.BaseEndpoint = &endpoint
	}
	return cfg, settings.Err()
}

// callTimeout bounds one try of one AWS call, its body read included.
const callTimeout = 5 * time.Second

func client(endpoint string) aws.HTTPClient {
	// A hung connection must not eat the invocation: AWS answers these services'
	// calls in milliseconds, and the SDK tries again.
	buildable := awshttp.NewBuildableClient().WithTimeout(callTimeout).WithTransportOptions(func(t *http.Transport) {
		// A fanout or dispatcher has this many calls under way at once; fewer
		// kept connections would mean new TLS handshakes all the time.
		t.MaxIdleConnsPerHost = 32
		// A batch of messages in one write: each is a system call, and on AWS a TLS
		// record.
		t.WriteBufferSize = 64 << 10
	})
	if endpoint == "" {
		return buildable
	}
	return bufferingClient{buildable}
}

// bufferingClient hands the transport a request body of its own. smithy-go
// closes the request body as soon as the call returns, and against a fast
// loopback server that may happen while net/http still writes it, which fails
// the response. Only local endpoints are that fast.
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
