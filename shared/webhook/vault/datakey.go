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

// ErrSealed says that a sealed secret was changed, or is not this webhook's or
// not under this data key.
var ErrSealed = errors.New("the sealed secret cannot be opened")

// DataKey seals the secrets of one tenant. It never prints. It is safe for
// concurrent use.
//
// Every sealing draws a nonce of 96 bits; a key may be used 2^32 times
// (NIST SP 800-38D §8.3), which no tenant comes near.
type DataKey struct {
	wrapped []byte
	aead    cipher.AEAD
}

// Wrapped returns the key as KMS encrypted it, to be stored and given to
// [Vault.DataKey]. On AWS it is 184 bytes long.
func (k *DataKey) Wrapped() []byte { return slices.Clone(k.wrapped) }

// Seal encrypts a secret of a webhook: nonce, ciphertext and tag, 28 bytes more
// than the secret has.
func (k *DataKey) Seal(owner webhook.Key, secret string) []byte {
	return k.aead.Seal(nil, nil, []byte(secret), belongsTo(owner))
}

// Open returns what was sealed for the same webhook under the same key, and
// [ErrSealed] for anything else.
func (k *DataKey) Open(owner webhook.Key, sealed []byte) (string, error) {
	secret, err := k.aead.Open(nil, nil, sealed, belongsTo(owner))
	if err != nil {
		return "", ErrSealed // err says nothing more
	}
	return string(secret), nil
}

// Format writes a fixed text for every verb.
func (*DataKey) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[redacted]") }

// LogValue returns a fixed text.
func (*DataKey) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// belongsTo is the additional authenticated data: what is copied to another
// webhook's item does not open there. It begins with the version of what is
// sealed. A tenant has no slash in its id, so no two owners share a text.
func belongsTo(owner webhook.Key) []byte {
	text := make([]byte, 0, 96)
	text = append(text, "webhook-secret/1/"...)
	text = append(text, owner.TenantID...)
	text = append(text, '/')
	return strconv.AppendInt(text, owner.ID, 10)
}
