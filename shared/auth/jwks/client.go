package jwks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"webhooks/shared/guard"
)

// The limits of a fetch.
const (
	// FetchTimeout limits a fetch, from the dial to the last byte. A caller of the
	// API waits for the fetch.
	FetchTimeout = 3 * time.Second
	// MaxBytes limits the size of a key set. A set of a dozen keys with certificates
	// has 20 KB. A DynamoDB item holds 400 KB.
	MaxBytes = 64 << 10

	maxHeaderBytes = 16 << 10
)

// Client fetches the key set of one identity provider.
type Client struct {
	url  string
	http *http.Client
}

// NewClient returns a client for the key set at url, or an error if g refuses url.
// The guard allows the same URLs as for receivers: https, their ports, public
// addresses, and http on loopback in the local stack. The operator who configures
// url is trusted, but its host name might resolve to Lambda's Runtime API.
func NewClient(g *guard.Guard, url string) (*Client, error) {
	u, err := g.CheckURL(url)
	if err != nil {
		return nil, fmt.Errorf("the URL of the key set: %w", err)
	}
	return &Client{url: u.String(), http: &http.Client{
		Timeout: FetchTimeout,
		// A redirect could fetch the keys of an attacker.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: g.DialContext,
			// The next fetch is minutes away, and a frozen function loses its
			// connections.
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeaderBytes,
		},
	}}, nil
}

// Fetch returns the key set without parsing it. It fails if the status is not 200 or
// the body exceeds [MaxBytes].
func (c *Client) Fetch(ctx context.Context) (text []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("create the request for the key set: %w", err)
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("fetch the key set: %w", err)
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetch the key set: the status is %s", response.Status)
	}
	text, err = io.ReadAll(io.LimitReader(response.Body, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the key set: %w", err)
	}
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("the key set has more than %d bytes", MaxBytes)
	}
	return text, nil
}
