// Package signature parses the secrets of webhooks and signs deliveries with
// them, as Standard Webhooks 1.0.0 specifies:
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
package signature

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode/utf8"

	"webhooks/shared/glyph"
)

// Limits of a secret. Standard Webhooks 1.0.0 sets the key lengths; the limits of
// a raw secret are our own.
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

// The errors of ParseSecret. None of them quotes the secret.
var (
	ErrSecretLength     = fmt.Errorf("secret is not %d to %d characters long", MinSecretCharacters, MaxSecretCharacters)
	ErrSecretCharacters = errors.New("secret is not valid UTF-8, or does not consist of visible characters with spaces between them")
	ErrSecretPrefix     = errors.New("secret has whsec_ after its beginning")
	ErrSecretEncoding   = errors.New("secret is not padded standard base64 after whsec_")
	ErrSecretKeyLength  = fmt.Errorf("secret has a key that is not %d to %d bytes long after whsec_", MinKeyBytes, MaxKeyBytes)
)

// Key is the HMAC key of one secret. fmt (every verb), slog and JSON print a fixed
// text instead. Sign skips the zero Key.
type Key struct {
	// raw is a function because fmt does not call the Format method of a value in
	// an unexported field. fmt prints only the address of a function, but the content
	// of a byte slice or of a pointer to one.
	raw func() []byte
}

// ParseSecret returns the Key of a customer's secret.
//
// For whsec_ and padded standard base64, the key is the MinKeyBytes to MaxKeyBytes
// decoded bytes. ParseSecret refuses any other secret that begins with whsec_:
// receivers' libraries would decode it differently or not at all. The
// key of any other secret is its bytes (the "raw" mode of the Standard Webhooks
// libraries). Such a secret has MinSecretCharacters to MaxSecretCharacters code
// points of valid UTF-8: visible characters, and spaces between them. What nobody
// sees is lost when a person copies the secret. A secret with whsec_ further on was
// copied with something before it, and its owner expects another key.
//
// The error is one of ErrSecretLength, ErrSecretCharacters, ErrSecretPrefix,
// ErrSecretEncoding, ErrSecretKeyLength.
func ParseSecret(secret string) (Key, error) {
	if encoded, ok := strings.CutPrefix(secret, prefix); ok {
		return parseEncoded(encoded)
	}
	if strings.Contains(secret, prefix) {
		return Key{}, ErrSecretPrefix
	}
	if !utf8.ValidString(secret) || strings.ContainsFunc(secret, hidden) || secret != strings.Trim(secret, " ") {
		return Key{}, ErrSecretCharacters
	}
	if n := utf8.RuneCountInString(secret); n < MinSecretCharacters || n > MaxSecretCharacters {
		return Key{}, ErrSecretLength
	}
	if !glyph.Visible(secret) { // combining marks alone
		return Key{}, ErrSecretCharacters
	}
	return newKey([]byte(secret)), nil
}

// hidden reports whether a raw secret must not contain r.
func hidden(r rune) bool { return r != ' ' && glyph.Hidden(r) }

func parseEncoded(encoded string) (Key, error) {
	// Go's decoder skips line breaks; the libraries of other languages do not.
	if strings.ContainsAny(encoded, "\r\n") {
		return Key{}, ErrSecretEncoding
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return Key{}, ErrSecretEncoding // err adds no useful detail
	}
	if len(raw) < MinKeyBytes || len(raw) > MaxKeyBytes {
		return Key{}, ErrSecretKeyLength
	}
	return newKey(raw), nil
}

// NewSecret generates a secret: whsec_ and 32 random bytes in base64.
func NewSecret() string {
	var key [newKeyBytes]byte
	_, _ = rand.Read(key[:]) // crypto/rand never returns an error; it crashes the program
	return prefix + base64.StdEncoding.EncodeToString(key[:])
}

// SameKey reports whether two secrets make the same signatures: they are equal, or
// have equal key bytes in different forms.
func SameKey(a, b string) bool {
	if a == b {
		return true
	}
	one, errOne := ParseSecret(a)
	other, errOther := ParseSecret(b)
	// HMAC fills short keys up with zeros and hashes long ones (RFC 2104 §2), so that
	// keys of different bytes can be equal too.
	return errOne == nil && errOther == nil && hmac.Equal(one.mac(nil), other.mac(nil))
}

// IsZero reports whether k is the zero Key.
func (k Key) IsZero() bool { return k.raw == nil }

// String returns a fixed text.
func (Key) String() string { return redactedText }

// Format writes a fixed text for every verb.
func (Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redactedText) }

// LogValue returns a fixed text.
func (Key) LogValue() slog.Value { return slog.StringValue(redactedText) }

// MarshalText returns a fixed text. A Key cannot be stored; its secret can.
func (Key) MarshalText() ([]byte, error) { return []byte(redactedText), nil }

func newKey(raw []byte) Key {
	return Key{raw: func() []byte { return raw }}
}

// mac returns the HMAC-SHA256 of parts.
func (k Key) mac(sum []byte, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, k.bytes())
	for _, part := range parts {
		mac.Write(part)
	}
	return mac.Sum(sum)
}

func (k Key) bytes() []byte {
	if k.raw == nil {
		return nil
	}
	return k.raw()
}
