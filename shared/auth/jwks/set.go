// Package jwks holds the identity provider's JSON Web Key Set (RFC 7517). It selects
// the keys that may verify a token, fetches the set, and shares it between
// instances, so that requests succeed while the identity provider is down.
package jwks

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"

	"github.com/MicahParks/jwkset"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The accepted algorithms (RFC 7518 §3.1, RFC 8037 §3.1). All are asymmetric. If HMAC
// were accepted, a forger could sign with the public key as the secret.
const (
	RS256 = "RS256" // RSASSA-PKCS1-v1_5 with SHA-256
	PS256 = "PS256" // RSASSA-PSS with SHA-256
	ES256 = "ES256" // ECDSA with P-256 and SHA-256
	EdDSA = "EdDSA" // Ed25519
)

// Algorithms returns the accepted algorithms.
func Algorithms() []string { return []string{RS256, PS256, ES256, EdDSA} }

// The sizes of usable RSA keys. RFC 7518 §3.3 requires the minimum; the maximum
// limits the time of a verification.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// errNoKey is the error for a set without a usable key.
var errNoKey = errors.New("no key of the set can verify a token")

// Set holds the usable keys of a key set. The zero Set has none.
type Set struct{ keys []key }

type key struct {
	id         string
	algorithms []string // never empty
	public     crypto.PublicKey
}

// jwk holds the members of a key (RFC 7517 §4) that decide whether it is usable, and
// its parameters. Certificates (x5c) are ignored and their URL (x5u) is not fetched.
type jwk struct {
	KeyType    string   `json:"kty"`
	Use        string   `json:"use"`
	Operations []string `json:"key_ops"`
	Algorithm  string   `json:"alg"`
	ID         string   `json:"kid"`
	Curve      string   `json:"crv"`
	X          string   `json:"x"`
	Y          string   `json:"y"`
	N          string   `json:"n"`
	E          string   `json:"e"`
}

// Parse parses a key set. It keeps the keys that have an id, are for signatures, and
// can verify one of [Algorithms]. It ignores the others (RFC 7517 §5), so that a key of a
// new type does not make the set unusable. A set without a usable key is an error.
func Parse(text []byte) (Set, error) {
	var document struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return Set{}, fmt.Errorf("parse the key set: %w", err)
	}
	var set Set
	for _, value := range document.Keys {
		var k jwk
		if json.Unmarshal(value, &k) != nil {
			continue
		}
		if usable, ok := k.usable(); ok {
			set.keys = append(set.keys, usable)
		}
	}
	if set.keys == nil {
		return Set{}, errNoKey
	}
	return set, nil
}

func (k jwk) usable() (key, bool) {
	if k.ID == "" || k.Use != "" && k.Use != "sig" || k.Operations != nil && !slices.Contains(k.Operations, "verify") {
		return key{}, false
	}
	// Only the parameters: the library would fetch an x5u.
	parsed, err := jwkset.NewJWKFromMarshal(jwkset.JWKMarshal{
		KTY: jwkset.KTY(k.KeyType), CRV: jwkset.CRV(k.Curve), X: k.X, Y: k.Y, N: k.N, E: k.E,
	}, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	if err != nil {
		return key{}, false
	}
	algorithms := algorithmsOf(parsed.Key())
	if k.Algorithm != "" {
		algorithms = slices.DeleteFunc(algorithms, func(name string) bool { return name != k.Algorithm })
	}
	return key{id: k.ID, algorithms: algorithms, public: parsed.Key()}, len(algorithms) > 0
}

// algorithmsOf returns the algorithms that a key may verify. They depend on its type
// and size, never on the header of the token (RFC 8725 §3.1).
func algorithmsOf(public crypto.PublicKey) []string {
	switch public := public.(type) {
	case *rsa.PublicKey:
		if bits := public.N.BitLen(); bits >= minRSABits && bits <= maxRSABits {
			return []string{RS256, PS256}
		}
	case *ecdsa.PublicKey:
		if public.Curve == elliptic.P256() {
			return []string{ES256}
		}
	case ed25519.PublicKey:
		return []string{EdDSA}
	}
	return nil
}

// find returns the keys with an id that verify an algorithm, and whether any key has
// the id. Several keys may share an id (RFC 7517 §4.5).
func (s Set) find(id, algorithm string) (found []crypto.PublicKey, known bool) {
	for _, k := range s.keys {
		if k.id != id {
			continue
		}
		known = true
		if slices.Contains(k.algorithms, algorithm) {
			found = append(found, k.public)
		}
	}
	return found, known
}
