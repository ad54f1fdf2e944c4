// Package cloud makes the AWS configuration that every function shares.
package cloud

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
)

// Config loads region, credentials and endpoint from the environment, as
// Lambda sets them.
func Config(ctx context.Context, getenv func(string) string) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{
		// A hung connection must not eat the invocation: AWS answers these
		// services' calls in milliseconds, and the SDK tries again.
		config.WithHTTPClient(client(getenv("AWS_ENDPOINT_URL"))),
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("load the AWS configuration: %w", err)
	}
	return cfg, nil
}

// callTimeout bounds one try of one AWS call, its body read included.
const callTimeout = 5 * time.Second

func client(endpoint string) aws.HTTPClient {
	buildable := awshttp.NewBuildableClient().WithTimeout(callTimeout).WithTransportOptions(func(t *http.Transport) {
		// A fanout or dispatcher has this many calls under way at once; fewer
		// kept connections would mean new TLS handshakes all the time.
		t.MaxIdleConnsPerHost = 32
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
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, fmt.Errorf("buffer the request body: %w", err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return c.next.Do(r)
}
