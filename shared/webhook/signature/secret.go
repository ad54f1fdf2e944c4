// Package signature holds the secrets of webhooks and signs deliveries with
// them, as Standard Webhooks 1.0.0 describes it.
//
// The specification: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
package signature

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of a secret. The key lengths are those of Standard Webhooks 1.0.0; the
// lengths of a raw secret are ours.
const (
	// MinKeyBytes and MaxKeyBytes bound the decoded key of a whsec_ secret.
	MinKeyBytes = 24
	MaxKeyBytes = 64
	// MinSecretCharacters and MaxSecretCharacters bound a raw secret. A
	// character is a Unicode code point.
	MinSecretCharacters = 8
	MaxSecretCharacters = 256
)

const (
	prefix       = "whsec_"
	newKeyBytes  = 32
	redactedText = "[redacted]"
)

// The reasons why ParseSecret refuses a secret. None of them quotes it.
var (
	ErrSecretLength     = fmt.Errorf("secret is not %d to %d characters long", MinSecretCharacters, MaxSecretCharacters)
	ErrSecretCharacters = errors.New("secret is not valid UTF-8 or has control characters")
	ErrSecretEncoding   = errors.New("secret begins with whsec_ but does not go on in padded standard base64")
	ErrSecretKeyLength  = fmt.Errorf("secret begins with whsec_ but its key is not %d to %d bytes long", MinKeyBytes, MaxKeyBytes)
)

// Key is the HMAC key of one secret. It never prints: not with any verb of fmt,
// not in slog, not in JSON. The zero Key is no key; Sign leaves it out.
type Key struct {
	// A function, because fmt does not call the methods of a value that it finds
	// in an unexported field of something else: of a function it prints the
	// address, of bytes or a pointer to them the bytes.
	raw func() []byte
}

// ParseSecret makes a Key of a customer's secret.
//
// whsec_ followed by padded standard base64 stands for the decoded bytes,
// MinKeyBytes to MaxKeyBytes of them; whatever else begins with whsec_ is
// refused, since the receiver's library would read it differently or not at
// all. Any other string of MinSecretCharacters to MaxSecretCharacters code
// points, in valid UTF-8 and without control characters, is the key itself, byte
// for byte (the "raw" mode of the Standard Webhooks libraries).
//
// The error is one of ErrSecretLength, ErrSecretCharacters, ErrSecretEncoding,
// ErrSecretKeyLength.
func ParseSecret(secret string) (Key, error) {
	if encoded, ok := strings.CutPrefix(secret, prefix); ok {
		return parseEncoded(encoded)
	}
	if !utf8.ValidString(secret) || strings.ContainsFunc(secret, unicode.IsControl) {
		return Key{}, ErrSecretCharacters
	}
	if n := utf8.RuneCountInString(secret); n < MinSecretCharacters || n > MaxSecretCharacters {
		return Key{}, ErrSecretLength
	}
	return newKey([]byte(secret)), nil
}

func parseEncoded(encoded string) (Key, error) {
	// The decoder skips line breaks; the libraries of other languages do not.
	if strings.ContainsAny(encoded, "\r\n") {
		return Key{}, ErrSecretEncoding
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return Key{}, ErrSecretEncoding // err quotes no secret, but says nothing more either
	}
	if len(raw) < MinKeyBytes || len(raw) > MaxKeyBytes {
		return Key{}, ErrSecretKeyLength
	}
	return newKey(raw), nil
}

// NewSecret returns a secret for a webhook whose owner chose none: whsec_ and 32
// random bytes in base64.
func NewSecret() string {
	var key [newKeyBytes]byte
	_, _ = rand.Read(key[:]) // never fails (crypto/rand): it ends the process instead
	return prefix + base64.StdEncoding.EncodeToString(key[:])
}

// IsZero tells whether k is no key.
func (k Key) IsZero() bool { return k.raw == nil }

// String returns a fixed text.
func (Key) String() string { return redactedText }

// Format writes a fixed text for every verb.
func (Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redactedText) }

// LogValue returns a fixed text.
func (Key) LogValue() slog.Value { return slog.StringValue(redactedText) }

// MarshalText returns a fixed text: a Key cannot be stored, only its secret can.
func (Key) MarshalText() ([]byte, error) { return []byte(redactedText), nil }

func newKey(raw []byte) Key {
	return Key{raw: func() []byte { return raw }}
}

func (k Key) bytes() []byte {
	if k.raw == nil {
		return nil
	}
	return k.raw()
}
