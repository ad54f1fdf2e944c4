package main

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/auth/apikey"
)

// noKeys is an empty table of keys.
type noKeys struct{}

func (noKeys) Get(context.Context, string) (apikey.Key, error) {
	return apikey.Key{}, apikey.ErrNotFound
}

// FuzzAuthorize checks that every header is denied when the table has no keys, and
// that the log holds no secret.
func FuzzAuthorize(f *testing.F) {
	for _, seed := range []string{
		"", "Bearer", "Bearer  ", "bearer whk_abcdefghijklmnop_" + strings.Repeat("a", 52), "Basic YTpi", "Bearer a.b.c", "Bearer a.b.c, Bearer d.e.f",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		var log strings.Builder
		h := handler{log: slog.New(slog.NewJSONHandler(&log, nil)), keys: noKeys{}, jwts: noProvider{}, now: time.Now}
		got, err := h.authorize(t.Context(), events.APIGatewayV2CustomAuthorizerV2Request{IdentitySource: []string{header}})
		if err != nil || got.IsAuthorized || got.Context != nil {
			t.Errorf("the response to %q is %+v, %v", header, got, err)
		}
		_, credentials, _ := strings.Cut(header, " ")
		if secret := credentials[strings.LastIndexByte(credentials, '_')+1:]; len(secret) > 30 && strings.Contains(log.String(), secret) {
			t.Errorf("the log holds the secret: %s", log.String())
		}
	})
}
