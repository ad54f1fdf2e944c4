// Package jwkstest provides an identity provider for tests. It signs tokens and serves
// its key set on loopback.
package jwkstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"testing"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"webhooks/shared/auth/jwks"
)

// Key is a key that signs tokens of one algorithm.
type Key struct {
	ID, Algorithm string
	Private       crypto.Signer
}

// NewKey returns a new random key.
func NewKey(t testing.TB, id, algorithm string) Key {
	t.Helper()
	key := Key{ID: id, Algorithm: algorithm}
	var err error
	switch algorithm {
	case jwks.ES256:
		key.Private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jwks.EdDSA:
		_, key.Private, err = ed25519.GenerateKey(rand.Reader)
	default:
		key.Private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// JWK returns the public key as a member of a key set. A test may change the map.
func (k Key) JWK(t testing.TB) map[string]any {
	t.Helper()
	public, err := jwkset.NewJWKFromKey(k.Private.Public(), jwkset.JWKOptions{
		Metadata: jwkset.JWKMetadataOptions{KID: k.ID, ALG: jwkset.ALG(k.Algorithm), USE: jwkset.UseSig},
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(public.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	return members
}

// Sign returns a token with claims, signed by k. The members of header are added to
// alg, kid and typ, or replace them. A nil removes a member.
func (k Key) Sign(t testing.TB, claims, header map[string]any) string {
	t.Helper()
	return Sign(t, jwt.GetSigningMethod(k.Algorithm), k.Private, claims, merged(map[string]any{"kid": k.ID}, header))
}

// Sign returns a token signed with any method and key.
func Sign(t testing.TB, method jwt.SigningMethod, key any, claims, header map[string]any) string {
	t.Helper()
	token := jwt.NewWithClaims(method, jwt.MapClaims(claims))
	token.Header = merged(token.Header, header)
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func merged(base, changes map[string]any) map[string]any {
	result := maps.Clone(base)
	maps.Copy(result, changes)
	maps.DeleteFunc(result, func(_ string, value any) bool { return value == nil })
	return result
}

// Document returns the key set that holds keys.
func Document(t testing.TB, keys ...map[string]any) []byte {
	t.Helper()
	text, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	return text
}
