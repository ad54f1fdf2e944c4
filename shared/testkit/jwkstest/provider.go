package jwkstest

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Provider is an identity provider on loopback.
type Provider struct {
	URL string // of the key set

	mu      sync.Mutex
	answer  http.HandlerFunc
	fetches int
}

// NewProvider starts a provider that serves keys. It stops when the test ends.
func NewProvider(t testing.TB, keys ...Key) *Provider {
	t.Helper()
	p := &Provider{}
	p.Show(t, keys...)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.fetches++
		answer := p.answer
		p.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	p.URL = server.URL + "/jwks"
	return p
}

// Show makes the provider serve keys from now on.
func (p *Provider) Show(t testing.TB, keys ...Key) {
	t.Helper()
	var members []map[string]any
	for _, key := range keys {
		members = append(members, key.JWK(t))
	}
	document := Document(t, members...)
	p.Answer(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(document) })
}

// Answer makes the provider answer with the given handler from now on.
func (p *Provider) Answer(answer http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

// Down makes the provider answer 503 from now on.
func (p *Provider) Down() {
	p.Answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
}

// Fetches returns the number of requests so far.
func (p *Provider) Fetches() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fetches
}
