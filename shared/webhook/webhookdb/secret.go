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

// Every stored secret begins with a marker of its format.
const (
	plain  = "plain:"       // as it is
	sealed = "aes-256-gcm:" // base64 of what [vault.DataKey.Seal] makes, under the item's data key
)

var (
	errSecretFormat = errors.New("the stored secret has an unknown format")
	errNoVault      = errors.New("the stored secret is encrypted, and this store has no vault")
)

// open returns the webhook of r with its secrets, but for replaced ones that
// have expired. Those still stored as they are need no data key. It returns the
// errors of [vault.Vault.DataKey], and an internal error for a secret that is not
// this webhook's.
func (s *Store) open(ctx context.Context, r record, now time.Time) (webhook.Webhook, error) {
	w := r.webhook()
	secret, err := s.openSecret(ctx, r, r.Secret)
	if err != nil {
		return webhook.Webhook{}, err
	}
	w.Secret = secret
	for _, p := range unexpired(r.PreviousSecrets, now) {
		if secret, err = s.openSecret(ctx, r, p.Secret); err != nil {
			return webhook.Webhook{}, err
		}
		w.PreviousSecrets = append(w.PreviousSecrets, webhook.PreviousSecret{Secret: secret, ExpiresAt: p.ExpiresAt})
	}
	return w, nil
}

func (s *Store) openSecret(ctx context.Context, r record, stored string) (string, error) {
	if secret, ok := strings.CutPrefix(stored, plain); ok {
		return secret, nil
	}
	secret, err := s.openSealed(ctx, r, stored)
	if err != nil {
		// Without the text: it may be a secret.
		return "", fmt.Errorf("secret of webhook %d of tenant %s: %w", r.WebhookID, r.TenantID, err)
	}
	return secret, nil
}

func (s *Store) openSealed(ctx context.Context, r record, stored string) (string, error) {
	encoded, ok := strings.CutPrefix(stored, sealed)
	if !ok {
		return "", errSecretFormat
	}
	box, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", errSecretFormat
	}
	if s.vault == nil {
		return "", errNoVault
	}
	key, err := s.vault.DataKey(ctx, r.TenantID, r.DataKey) // in memory from the second secret on
	if err != nil {
		return "", err
	}
	return key.Open(r.key(), box)
}

// seal returns the record of w with its secrets under key, or as they are when
// key is nil.
func seal(w webhook.Webhook, key *vault.DataKey) record {
	r := newRecord(w)
	sealSecret := func(secret string) string { return plain + secret }
	if key != nil {
		r.DataKey = key.Wrapped()
		sealSecret = func(secret string) string {
			return sealed + base64.StdEncoding.EncodeToString(key.Seal(w.Key(), secret))
		}
	}
	r.Secret = sealSecret(w.Secret)
	for _, p := range w.PreviousSecrets {
		r.PreviousSecrets = append(r.PreviousSecrets, previousSecret{sealSecret(p.Secret), p.ExpiresAt})
	}
	return r
}
