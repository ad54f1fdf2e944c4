package webhookdb

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"webhooks/shared/webhook"
	"webhooks/shared/webhook/vault"
)

// Every stored secret begins with the name of its format.
const (
	plainText = "plain:"       // the secret itself
	encrypted = "aes-256-gcm:" // base64 of [vault.DataKey.Seal], under the item's data key
)

var (
	errSecretFormat = errors.New("the stored secret has an unknown format")
	errNoVault      = errors.New("the stored secret is encrypted, and this store has no vault")
)

// seal returns the secrets of w as they are stored for the webhook key:
// encrypted under a data key, or as plain text if it is nil.
func seal(key webhook.Key, w webhook.Webhook, under *vault.DataKey) secrets {
	sealed := secrets{Previous: make([]previousSecret, 0, len(w.PreviousSecrets))}
	sealSecret := func(secret string) string { return plainText + secret }
	if under != nil {
		sealed.DataKey = under.Wrapped()
		sealSecret = func(secret string) string {
			return encrypted + base64.StdEncoding.EncodeToString(under.Seal(key, secret))
		}
	}
	sealed.Current = sealSecret(w.Secret)
	for _, p := range w.PreviousSecrets {
		sealed.Previous = append(sealed.Previous, previousSecret{sealSecret(p.Secret), p.ExpiresAt})
	}
	return sealed
}

// unexpired returns s without the replaced secrets that have expired.
func (s secrets) unexpired(now time.Time) secrets {
	live := make([]previousSecret, 0, len(s.Previous))
	for _, p := range s.Previous {
		if now.Before(p.ExpiresAt) {
			live = append(live, p)
		}
	}
	s.Previous = live
	return s
}

// openSecrets returns the webhook of r with its current secret and the replaced
// ones that have not expired. It returns the errors of [vault.Vault.DataKey], and
// an internal error for a secret that was not sealed for this webhook.
func (s *Store) openSecrets(ctx context.Context, r record, now time.Time) (webhook.Webhook, error) {
	w := r.webhook()
	secret, err := s.openSecret(ctx, r, r.Current)
	if err != nil {
		return webhook.Webhook{}, err
	}
	w.Secret = secret
	for _, p := range r.unexpired(now).Previous {
		if secret, err = s.openSecret(ctx, r, p.Secret); err != nil {
			return webhook.Webhook{}, err
		}
		w.PreviousSecrets = append(w.PreviousSecrets, webhook.PreviousSecret{Secret: secret, ExpiresAt: p.ExpiresAt})
	}
	return w, nil
}

func (s *Store) openSecret(ctx context.Context, r record, stored string) (string, error) {
	if secret, ok := strings.CutPrefix(stored, plainText); ok {
		return secret, nil
	}
	secret, err := s.decrypt(ctx, r, stored)
	if err != nil {
		// The error does not quote the stored text, which may be a secret.
		return "", fmt.Errorf("secret of webhook %d of tenant %s: %w", r.WebhookID, r.TenantID, err)
	}
	return secret, nil
}

func (s *Store) decrypt(ctx context.Context, r record, stored string) (string, error) {
	encoded, ok := strings.CutPrefix(stored, encrypted)
	if !ok {
		return "", errSecretFormat
	}
	sealed, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", errSecretFormat
	}
	if s.vault == nil {
		return "", errNoVault
	}
	key, err := s.vault.DataKey(ctx, r.TenantID, r.DataKey) // cached after the first secret
	if err != nil {
		return "", err
	}
	return key.Open(r.key(), sealed)
}
