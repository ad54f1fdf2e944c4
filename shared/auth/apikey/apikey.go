// Package apikey implements API keys, the tokens with which the programs of a
// tenant call the API.
//
// A token is whk_<key id>_<secret>. The id finds the stored key; the secret
// authenticates the caller. The store holds only the SHA-256 of the secret. A
// secret has 256 random bits, so it needs no slow, salted hash as a password does.
package apikey

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"log/slog"
	"strings"
	"time"

	"webhooks/shared/auth"
)

// ErrNotFound is the error for an id without a key.
var ErrNotFound = errors.New("no such API key")

const (
	prefix      = "whk_" // lets secret scanners find a token in a repository
	idBytes     = 10
	secretBytes = 32
	lastLength  = 4
)

// alphabet has no underscore, which separates the parts of a token. It has one
// case and no special characters, so that forms, shells and file names leave a
// token unchanged.
const alphabet = "abcdefghijklmnopqrstuvwxyz234567"

func encoding() *base32.Encoding { return base32.NewEncoding(alphabet).WithPadding(base32.NoPadding) }

// Hash is the SHA-256 of a secret.
type Hash [sha256.Size]byte

// Key is an API key as it is stored.
type Key struct {
	ID       string
	TenantID string
	Scopes   []auth.Scope
	Hash     Hash
	// LastFour holds the last four characters of the token, by which a person
	// recognises it.
	LastFour  string
	CreatedAt time.Time // UTC, whole seconds
	ChangedAt time.Time // UTC, whole seconds
	ExpiresAt time.Time // UTC, whole seconds; zero means never
}

// Token is an API key as a caller sends it. No log and no table may hold it.
type Token struct {
	KeyID  string
	secret string
}

// Generate returns a new token with an id of 80 random bits and a secret of 256.
func Generate() Token {
	return Token{KeyID: random(idBytes), secret: random(secretBytes)}
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never returns an error: it crashes the program instead
	return encoding().EncodeToString(b)
}

// Parse parses a token. It returns false for a text that [Generate] cannot return.
func Parse(text string) (Token, bool) {
	rest, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return Token{}, false
	}
	id, secret, ok := strings.Cut(rest, "_")
	if !ok || !ValidID(id) || !encodes(secret, secretBytes) {
		return Token{}, false
	}
	return Token{KeyID: id, secret: secret}, true
}

// ValidID reports whether id has the form of a key's id.
func ValidID(id string) bool { return encodes(id, idBytes) }

// encodes reports whether s has the form of n encoded bytes.
func encodes(s string, n int) bool {
	return len(s) == encoding().EncodedLen(n) && strings.Trim(s, alphabet) == ""
}

// Text returns the whole token. Its owner sees it once, when it is issued.
func (t Token) Text() string { return prefix + t.KeyID + "_" + t.secret }

// Key returns the stored form of t for a tenant. A zero expires means never.
func (t Token) Key(tenantID string, scopes []auth.Scope, now, expires time.Time) Key {
	return Key{
		ID: t.KeyID, TenantID: tenantID, Scopes: scopes,
		Hash: t.hash(), LastFour: t.secret[len(t.secret)-lastLength:],
		CreatedAt: now, ChangedAt: now, ExpiresAt: expires,
	}
}

func (t Token) hash() Hash { return sha256.Sum256([]byte(t.secret)) }

// String returns the token without its secret.
func (t Token) String() string { return prefix + t.KeyID + "_…" }

// GoString returns the token without its secret, for %#v.
func (t Token) GoString() string { return t.String() }

// LogValue returns the token without its secret, for the log.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// Matches reports whether t is the token of k. It compares the hashes in constant
// time. No token matches the zero Key.
func (k Key) Matches(t Token) bool {
	hash := t.hash()
	return subtle.ConstantTimeCompare(hash[:], k.Hash[:]) == 1
}

// Expired reports whether k has expired at now.
func (k Key) Expired(now time.Time) bool {
	return !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt)
}
