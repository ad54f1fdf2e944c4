package vault_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"webhooks/shared/webhook"
	"webhooks/shared/webhook/vault"
)

// dataKey returns a data key of a new vault.
func dataKey(t testing.TB, wrapped string) *vault.DataKey {
	t.Helper()
	key, err := vault.New(new(stub), vault.DecryptOnly).DataKey(t.Context(), tenant, []byte(wrapped))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func owners() *rapid.Generator[webhook.Key] {
	return rapid.Custom(func(r *rapid.T) webhook.Key {
		return webhook.Key{
			TenantID: rapid.StringMatching(`[A-Za-z0-9_-]{1,64}`).Draw(r, "tenant"),
			ID:       rapid.Int64Min(1).Draw(r, "id"),
		}
	})
}

func TestSealOpen(t *testing.T) {
	t.Parallel()
	key := dataKey(t, "1")
	rapid.Check(t, func(r *rapid.T) {
		of, secret := owners().Draw(r, "owner"), rapid.String().Draw(r, "secret")
		box := key.Seal(of, secret)
		if got, err := key.Open(of, box); err != nil || got != secret {
			r.Errorf("Open = %q, %v, want %q", got, err, secret)
		}
		if len(secret) > 3 && bytes.Contains(box, []byte(secret)) {
			r.Error("the sealed secret contains the plain text")
		}
		if bytes.Equal(box, key.Seal(of, secret)) {
			r.Error("sealing twice gives the same ciphertext, which shows who shares a secret")
		}
	})
}

func TestOpenRefusesAlteredSecrets(t *testing.T) {
	t.Parallel()
	key := dataKey(t, "1")
	box := key.Seal(owner(), "your-secret-key")
	for i := range box {
		for bit := range 8 {
			changed := slices.Clone(box)
			changed[i] ^= 1 << bit
			wantRefused(t, key, owner(), changed)
		}
	}
	for n := range box {
		wantRefused(t, key, owner(), box[:n])
	}
	wantRefused(t, key, owner(), append(box, 0))
	wantRefused(t, dataKey(t, "2"), owner(), box)
}

func TestOpenRefusesOtherOwners(t *testing.T) {
	t.Parallel()
	key := dataKey(t, "1")
	rapid.Check(t, func(r *rapid.T) {
		of, other := owners().Draw(r, "owner"), owners().Draw(r, "other")
		if of == other {
			r.Skip("the same owner")
		}
		if got, err := key.Open(other, key.Seal(of, "your-secret-key")); !errors.Is(err, vault.ErrSealed) || got != "" {
			r.Errorf("Open = %q, %v, want %v", got, err, vault.ErrSealed)
		}
	})
	// Without a separator, the ids of these two would be the same text.
	wantRefused(t, key, webhook.Key{TenantID: "acme", ID: 12}, key.Seal(webhook.Key{TenantID: "acme1", ID: 2}, "your-secret-key"))
}

func wantRefused(t *testing.T, key *vault.DataKey, of webhook.Key, box []byte) {
	t.Helper()
	if got, err := key.Open(of, box); !errors.Is(err, vault.ErrSealed) || got != "" {
		t.Fatalf("Open = %q, %v, want %v", got, err, vault.ErrSealed)
	}
}
