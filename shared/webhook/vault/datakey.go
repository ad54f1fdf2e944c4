package vault

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"

	"webhooks/shared/webhook"
)

// ErrSealed means that a sealed secret was altered, or belongs to another webhook
// or another data key.
var ErrSealed = errors.New("the sealed secret cannot be opened")

// DataKey encrypts the secrets of one tenant. fmt and slog show a fixed text in
// its place. It is safe for concurrent use.
//
// Every Seal uses a random nonce of 96 bits, which limits a key to 2^32 secrets
// (NIST SP 800-38D §8.3). No tenant comes near this limit.
type DataKey struct {
	wrapped []byte
	aead    cipher.AEAD
}

// Wrapped returns the key as encrypted by KMS. Store it, and pass it to
// [Vault.DataKey] to get the key back. On AWS it is 184 bytes long.
func (k *DataKey) Wrapped() []byte { return slices.Clone(k.wrapped) }

// Seal encrypts a secret of a webhook. It returns nonce, ciphertext and tag,
// which are 28 bytes longer than the secret.
func (k *DataKey) Seal(owner webhook.Key, secret string) []byte {
	return k.aead.Seal(nil, nil, []byte(secret), additionalData(owner))
}

// Open decrypts a secret that was sealed for the same webhook under the same key.
// For anything else it returns [ErrSealed].
func (k *DataKey) Open(owner webhook.Key, sealed []byte) (string, error) {
	secret, err := k.aead.Open(nil, nil, sealed, additionalData(owner))
	if err != nil {
		return "", ErrSealed // err adds no detail
	}
	return string(secret), nil
}

// Format writes a fixed text for every verb.
func (*DataKey) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[redacted]") }

// LogValue returns a fixed text.
func (*DataKey) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// additionalData returns the additional authenticated data of a webhook's
// secrets. With it a sealed secret that is copied to another webhook's item does
// not open there. It begins with the format's version. Tenant ids contain no
// slash, so the data of two webhooks differ.
func additionalData(owner webhook.Key) []byte {
	text := make([]byte, 0, 96)
	text = append(text, "webhook-secret/1/"...)
	text = append(text, owner.TenantID...)
	text = append(text, '/')
	return strconv.AppendInt(text, owner.ID, 10)
}
