// Package apikey is the API key: the token by which a tenant's programs call
// the API.
//
// A token is whk_<key id>_<secret>. The id finds the stored key, the secret
// proves that the caller was given it. Only the SHA-256 of the secret is kept:
// it is random and longer than any search reaches, so a slow hash with a salt
// (which passwords need) would only cost every request its time.
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

// ErrNotFound says that there is no key of that id.
var ErrNotFound = errors.New("no such API key")

const (
	prefix      = "whk_" // lets secret scanners recognise a token in a repository
	idBytes     = 10
	secretBytes = 32
	lastLength  = 4
)

// alphabet has no underscore, which separates the parts of a token, and one
// case: a token survives every form, shell and file name.
const alphabet = "abcdefghijklmnopqrstuvwxyz234567"

func encoding() *base32.Encoding { return base32.NewEncoding(alphabet).WithPadding(base32.NoPadding) }

// Hash is the SHA-256 of a secret.
type Hash [sha256.Size]byte

// Key is what is kept of an API key.
type Key struct {
	ID       string
	TenantID string
	Scopes   []auth.Scope
	Hash     Hash
	// LastFour are the last characters of the token, by which a person
	// recognises it.
	LastFour  string
	CreatedAt time.Time // UTC, whole seconds
	ChangedAt time.Time // UTC, whole seconds
	ExpiresAt time.Time // UTC, whole seconds; zero means never
}

// Token is what a caller presents. It never goes into a log or a table.
type Token struct {
	KeyID  string
	secret string
}

// Generate returns a token that nobody has seen before: 80 random bits name
// it, 256 make its secret.
func Generate() Token {
	return Token{KeyID: random(idBytes), secret: random(secretBytes)}
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: it ends the program instead
	return encoding().EncodeToString(b)
}

// Parse reads a token, and returns false for anything that [Generate] cannot
// have made.
func Parse(text string) (Token, bool) {
	rest, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return Token{}, false
	}
	id, secret, ok := strings.Cut(rest, "_")
	if !ok || !ValidID(id) || !drawn(secret, secretBytes) {
		return Token{}, false
	}
	return Token{KeyID: id, secret: secret}, true
}

// ValidID reports whether id can be the id of a key.
func ValidID(id string) bool { return drawn(id, idBytes) }

// drawn reports whether random(n) can have returned s.
func drawn(s string, n int) bool {
	return len(s) == encoding().EncodedLen(n) && strings.Trim(s, alphabet) == ""
}

// Text returns the token as it is given to its owner, once.
func (t Token) Text() string { return prefix + t.KeyID + "_" + t.secret }

// Key returns what is kept of the token.
func (t Token) Key(tenantID string, scopes []auth.Scope, now, expires time.Time) Key {
	return Key{
		ID: t.KeyID, TenantID: tenantID, Scopes: scopes,
		Hash: t.hash(), LastFour: t.secret[len(t.secret)-lastLength:],
		CreatedAt: now, ChangedAt: now, ExpiresAt: expires,
	}
}

func (t Token) hash() Hash { return sha256.Sum256([]byte(t.secret)) }

// String keeps the secret out of whatever prints a token.
func (t Token) String() string { return prefix + t.KeyID + "_…" }

// GoString keeps the secret out of %#v.
func (t Token) GoString() string { return t.String() }

// LogValue keeps the secret out of the log.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// Opens reports whether t is the token of k, in a time that says nothing about
// how much of it was right. No token opens the zero Key.
func (k Key) Opens(t Token) bool {
	hash := t.hash()
	return subtle.ConstantTimeCompare(hash[:], k.Hash[:]) == 1
}

// Expired reports whether k has ended at now.
func (k Key) Expired(now time.Time) bool {
	return !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt)
}
