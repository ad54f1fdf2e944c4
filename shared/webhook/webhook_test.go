package webhook_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/signature"
)

func TestSigningKeys(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC)
	w := webhooktest.Webhook("acme", func(w *webhook.Webhook) {
		w.PreviousSecrets = []webhook.PreviousSecret{
			{Secret: "previous-secret", ExpiresAt: now.Add(time.Second)},
			{Secret: "expired-secret", ExpiresAt: now},
		}
	})
	keys, err := w.SigningKeys(now)
	if err != nil {
		t.Fatal(err)
	}
	want := signature.Sign([]signature.Key{parse(t, webhooktest.Secret), parse(t, "previous-secret")}, "evt_1", now, nil)
	if got := signature.Sign(keys, "evt_1", now, nil); got != want {
		t.Errorf("%d keys sign %q, want %q: the current secret, then the one that has not expired", len(keys), got, want)
	}
}

func TestSigningKeysOfAnInvalidSecret(t *testing.T) {
	t.Parallel()
	w := webhooktest.Webhook("acme", func(w *webhook.Webhook) { w.Secret = "whsec_broken!" })
	if _, err := w.SigningKeys(time.Now()); err == nil || strings.Contains(err.Error(), "broken") {
		t.Errorf("error = %v, want one without the secret", err)
	}
}

func TestLogsShowNoSecret(t *testing.T) {
	t.Parallel()
	w := webhooktest.Webhook("acme", func(w *webhook.Webhook) {
		w.PreviousSecrets = []webhook.PreviousSecret{{Secret: webhooktest.Secret}}
	})
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("line", "webhook", w)
	if strings.Contains(out.String(), webhooktest.Secret) || !strings.Contains(out.String(), "acme") {
		t.Errorf("logged %s, want the tenant and no secret", out.String())
	}
}

func parse(t *testing.T, secret string) signature.Key {
	t.Helper()
	key, err := signature.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
