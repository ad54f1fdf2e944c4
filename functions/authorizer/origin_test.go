package main

import (
	"log/slog"
	"strings"
	"testing"

	"webhooks/shared/testkit/cloudtest"
)

// TestOriginSecretClosesTheWayPastTheFirewall: a valid token alone is not enough where
// an origin secret is configured.
func TestOriginSecretClosesTheWayPastTheFirewall(t *testing.T) {
	t.Parallel()
	const secret, former = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
	b := setup(t)
	table := b.table
	var err error
	b.authorize, err = build(slog.New(slog.NewJSONHandler(b.log, nil)), cloudtest.Getenv(t, map[string]string{"KEYS_TABLE": table, "ORIGIN_SECRET": secret + "," + former}))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, header, value string
		want                bool
	}{
		{name: "the secret", header: "x-origin-secret", value: secret, want: true},
		{name: "the former secret", header: "x-origin-secret", value: former, want: true},
		{name: "both", header: "x-origin-secret", value: secret + "," + former},
		{name: "in the client's case", header: "X-Origin-Secret", value: secret, want: true},
		{name: "no header", header: "x-other", value: secret},
		{name: "empty", header: "x-origin-secret", value: ""},
		{name: "another value", header: "x-origin-secret", value: strings.Repeat("x", len(secret))},
		{name: "the beginning", header: "x-origin-secret", value: secret[:31]},
		{name: "twice, which the gateway joins", header: "x-origin-secret", value: secret + "," + secret},
	}
	for _, tt := range tests {
		r := b.event
		r.IdentitySource, r.Headers = []string{"Bearer " + b.token.Text()}, map[string]string{tt.header: tt.value}
		got, err := b.authorize(t.Context(), r)
		if err != nil || got.IsAuthorized != tt.want {
			t.Errorf("%s: authorized %v, %v, want %v", tt.name, got.IsAuthorized, err, tt.want)
		}
	}
	if log := b.log.String(); !strings.Contains(log, "not through the origin") || strings.Contains(log, secret[:16]) {
		t.Errorf("log = %s, want the reason and no secret", log)
	}
}
