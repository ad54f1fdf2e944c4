// Package jwks is the identity provider's JSON Web Key Set (RFC 7517): which
// of its keys may verify a token, how the set is fetched, and how it is kept so
// that an identity provider that is down takes no request down with it.
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

// The algorithms whose tokens are accepted (RFC 7518 §3.1, RFC 8037 §3.1). All
// are asymmetric: with HMAC in the list, a public key could serve as a secret.
const (
	RS256 = "RS256" // RSASSA-PKCS1-v1_5 with SHA-256
	PS256 = "PS256" // RSASSA-PSS with SHA-256
	ES256 = "ES256" // ECDSA with P-256 and SHA-256
	EdDSA = "EdDSA" // Ed25519
)

// Algorithms returns every algorithm accepted.
func Algorithms() []string { return []string{RS256, PS256, ES256, EdDSA} }

// RSA keys outside of these sizes are not used. RFC 7518 §3.3 demands the
// lower; the upper bounds the time that one verification takes.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// errNoKey is the error of a set without one key of use.
var errNoKey = errors.New("no key of the set can verify a token")

// Set is the keys of a set that may verify tokens. The zero Set has none.
type Set struct{ keys []key }

type key struct {
	id         string
	algorithms []string // never empty
	public     crypto.PublicKey
}

// jwk is what decides whether a key is used (RFC 7517 §4), and its material. A
// certificate (x5c) is not looked at and its address (x5u) is not followed: the
// key's own parameters are what the identity provider is trusted for.
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

// Parse reads a key set. Of its keys it keeps those that have an id, are meant
// for signatures, and fit an algorithm of [Algorithms]; the others are ignored,
// as RFC 7517 §5 wants it, so that one key of a new kind does not end all
// others. A set of which nothing is left is an error.
func Parse(text []byte) (Set, error) {
	var document struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return Set{}, fmt.Errorf("read the key set: %w", err)
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
	// Material only: with x5u in it, the library would fetch that address.
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

// algorithmsOf returns the algorithms that a key can verify: its type and size
// decide, never the token's header (RFC 8725 §3.1).
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

// find returns the keys of an id that verify an algorithm, and whether there
// are any of that id at all. More than one is rare, and allowed (RFC 7517 §4.5).
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
