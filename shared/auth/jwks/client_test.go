package jwks_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"webhooks/shared/auth/jwks"
	"webhooks/shared/guard"
	"webhooks/shared/testkit/jwkstest"
)

func client(t *testing.T, local bool, url string) (*jwks.Client, error) {
	t.Helper()
	g, err := guard.New(guard.Config{AllowLocal: local})
	if err != nil {
		t.Fatal(err)
	}
	return jwks.NewClient(g, url)
}

func TestURLOfTheKeySetIsChecked(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, url      string
		local, allowed bool
	}{
		{name: "https", url: "https://id.example.com/.well-known/jwks.json", allowed: true},
		{name: "http", url: "http://id.example.com/jwks"},
		{name: "http on loopback", url: "http://127.0.0.1:8080/jwks"},
		{name: "http on loopback for the local stack", url: "http://127.0.0.1:8080/jwks", local: true, allowed: true},
		{name: "the metadata service", url: "https://169.254.169.254/jwks"},
		{name: "a private address", url: "https://10.0.0.1/jwks"},
		{name: "user info", url: "https://user:secret@id.example.com/jwks"},
		{name: "a file", url: "file:///etc/passwd"},
		{name: "another port", url: "https://id.example.com:9001/jwks"},
	}
	for _, tt := range tests {
		if _, err := client(t, tt.local, tt.url); (err == nil) != tt.allowed {
			t.Errorf("%s: error %v, want allowed %v", tt.name, err, tt.allowed)
		}
	}
}

func TestFetchRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer http.HandlerFunc
		want   string // in the error
	}{
		{name: "a redirect", want: "302", answer: func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				t.Error("the redirect is followed")
			}
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}},
		{name: "another status", want: "404", answer: http.NotFound},
		{name: "no content", want: "204", answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }},
		{name: "a body of one byte too many", want: "more than", answer: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat(" ", jwks.MaxBytes+1))
		}},
		{name: "an endless body", want: "more than", answer: func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, strings.Repeat(" ", 4096)); err != nil {
					return
				}
			}
		}},
		{name: "headers of 1 MiB", want: "header", answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("a", 1<<20))
		}},
		{name: "a truncated body", want: "read the key set", answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "{")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := jwkstest.NewProvider(t)
			p.Answer(tt.answer)
			c, err := client(t, true, p.URL)
			if err != nil {
				t.Fatal(err)
			}
			if text, err := c.Fetch(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("fetched %d bytes, %v; want an error with %q", len(text), err, tt.want)
			}
		})
	}
}

func TestFetchAcceptsTheLargestKeySet(t *testing.T) {
	t.Parallel()
	p := jwkstest.NewProvider(t)
	p.Answer(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat(" ", jwks.MaxBytes))
	})
	c, err := client(t, true, p.URL)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := c.Fetch(t.Context()); err != nil || len(text) != jwks.MaxBytes {
		t.Errorf("fetched %d bytes, %v", len(text), err)
	}
}

// A caller waits at most FetchTimeout for a provider that does not answer.
func TestFetchOfASlowProviderTimesOut(t *testing.T) {
	t.Parallel()
	p := jwkstest.NewProvider(t)
	p.Answer(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done() // the body is never sent
	})
	c, err := client(t, true, p.URL)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*jwks.FetchTimeout)
	defer cancel()
	start := time.Now()
	if _, err := c.Fetch(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("error %v after %s, want a timeout", err, time.Since(start))
	}
}

func TestUntrustedCertificateIsRefused(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the server receives a request") }))
	defer server.Close()
	c, err := client(t, true, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("the error is %v", err)
	}
}
