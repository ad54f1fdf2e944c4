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

// Limits of one fetch.
const (
	// FetchTimeout bounds a fetch from its dial to the last byte. A caller of
	// the API waits for it.
	FetchTimeout = 3 * time.Second
	// MaxBytes is the size of the largest key set. Large ones, with the
	// certificates of a dozen keys, have 20 KB; an item of DynamoDB holds 400.
	MaxBytes = 64 << 10

	maxHeaderBytes = 16 << 10
)

// Client fetches the key set of one identity provider.
type Client struct {
	url  string
	http *http.Client
}

// NewClient returns a client for the key set at url. The operator who gives it
// is trusted, but the guard holds for it too: https, the ports and addresses of
// receivers, and http on loopback for the local stack alone. Nothing has to be
// excepted then, and a name of the identity provider that DNS turns to the
// Runtime API stays harmless. It fails on a url that the guard refuses.
func NewClient(g *guard.Guard, url string) (*Client, error) {
	u, err := g.CheckURL(url)
	if err != nil {
		return nil, fmt.Errorf("the address of the key set: %w", err)
	}
	return &Client{url: u.String(), http: &http.Client{
		Timeout: FetchTimeout,
		// Who can make the identity provider redirect must not choose our keys.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: g.DialContext,
			// A frozen function wakes with dead connections, and the next fetch
			// is minutes away.
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeaderBytes,
		},
	}}, nil
}

// Fetch returns the document that the identity provider answers, unread. An
// answer other than 200, and one of more than [MaxBytes], is an error.
func (c *Client) Fetch(ctx context.Context) (text []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("make the request for the key set: %w", err)
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("fetch the key set: %w", err)
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetch the key set: the answer is %s", response.Status)
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
