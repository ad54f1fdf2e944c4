package jwtauth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"pgregory.net/rapid"

	"webhooks/shared/auth/jwks"
	"webhooks/shared/auth/jwtauth"
	"webhooks/shared/testkit/jwkstest"
)

// part encodes a part of a token in base64url.
func part(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// Libraries have accepted HMAC signatures whose secret was the published public key,
// in any of its encodings, or empty.
func TestPublicKeyIsNotAnHMACSecret(t *testing.T) {
	t.Parallel()
	b := setup(t, jwks.RS256)
	key := b.keys[jwks.RS256]
	der, err := x509.MarshalPKIXPublicKey(key.Private.Public())
	if err != nil {
		t.Fatal(err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	modulus, _ := key.JWK(t)["n"].(string)
	for _, secret := range [][]byte{block, []byte(strings.TrimSpace(string(block))), der, []byte(modulus), jwkstest.Document(t, key.JWK(t)), {}} {
		for _, method := range []jwt.SigningMethod{jwt.SigningMethodHS256, jwt.SigningMethodHS384, jwt.SigningMethodHS512} {
			token := jwkstest.Sign(t, method, secret, b.claims(nil), map[string]any{"kid": key.ID})
			b.refused(t, token, jwtauth.WrongAlgorithm)
			// The same signature with the name of an accepted algorithm.
			_, rest, _ := strings.Cut(token, ".")
			b.refused(t, part(`{"alg":"RS256","kid":"RS256"}`)+"."+rest, jwtauth.WrongSignature)
		}
	}
}

func TestUnsignedTokenIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, jwks.EdDSA)
	token := jwkstest.Sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, b.claims(nil), map[string]any{"kid": jwks.EdDSA})
	b.refused(t, token, jwtauth.WrongAlgorithm)
	b.refused(t, token+"AAAA", jwtauth.WrongAlgorithm)
	payload := strings.Split(token, ".")[1]
	for _, name := range []string{"None", "NONE", "nOnE", "", "eddsa", "EdDSA ", "RS384", "PS512", "ES512", "ES256K", "Ed25519"} {
		b.refused(t, part(`{"alg":"`+name+`","kid":"EdDSA"}`)+"."+payload+".AAAA", jwtauth.WrongAlgorithm)
	}
	for _, header := range []string{`{"kid":"EdDSA"}`, `{"alg":null}`, `{"alg":["EdDSA"]}`} {
		b.refused(t, part(header)+"."+payload+".AAAA", jwtauth.WrongAlgorithm)
	}
	b.refused(t, part(`{"alg":"EdDSA","kid":"EdDSA"}`)+"."+payload+".", jwtauth.WrongSignature)
}

// A key verifies only its own algorithm, whatever the header says.
func TestAlgorithmOfAnotherKeyIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, jwks.Algorithms()...)
	for _, signer := range jwks.Algorithms() {
		for _, claimed := range jwks.Algorithms() {
			if claimed == signer {
				continue
			}
			_, rest, _ := strings.Cut(b.keys[signer].Sign(t, b.claims(nil), nil), ".")
			b.refused(t, part(`{"alg":"`+claimed+`","kid":"`+signer+`"}`)+"."+rest, jwtauth.UnknownKey)
			b.refused(t, part(`{"alg":"`+claimed+`","kid":"`+claimed+`"}`)+"."+rest, jwtauth.WrongSignature)
		}
	}
}

func TestSwappedPartsAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, jwks.Algorithms()...)
	for _, algorithm := range jwks.Algorithms() {
		mine := strings.Split(b.keys[algorithm].Sign(t, b.claims(nil), nil), ".")
		theirs := strings.Split(b.keys[algorithm].Sign(t, b.claims(map[string]any{"tenant_id": "victim"}), map[string]any{"typ": "at+jwt"}), ".")
		for _, swapped := range [][]string{
			{theirs[0], mine[1], mine[2]}, {mine[0], theirs[1], mine[2]}, {mine[0], mine[1], theirs[2]},
		} {
			b.refused(t, strings.Join(swapped, "."), jwtauth.WrongSignature)
		}
	}
}

func TestForgedKeyIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, jwks.ES256)
	forger := jwkstest.NewKey(t, jwks.ES256, jwks.ES256)
	b.refused(t, forger.Sign(t, b.claims(nil), nil), jwtauth.WrongSignature)
	// A key in the header is ignored (RFC 8725 §3.10).
	for name, value := range map[string]any{
		"jwk": forger.JWK(t), "jku": "http://127.0.0.1:1/jwks", "x5u": "http://127.0.0.1:1/cert", "x5c": []string{"MIIB"},
	} {
		b.refused(t, forger.Sign(t, b.claims(nil), map[string]any{name: value}), jwtauth.WrongSignature)
	}
	for _, id := range []any{"unknown", "../ES256", "' OR 1=1", "", nil, 7, []string{jwks.ES256}} {
		b.refused(t, b.keys[jwks.ES256].Sign(t, b.claims(nil), map[string]any{"kid": id}), jwtauth.UnknownKey)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b.refused(t, jwkstest.Sign(t, jwt.SigningMethodES384, p384, b.claims(nil), map[string]any{"kid": jwks.ES256}), jwtauth.WrongAlgorithm)
}

func TestHeaderWithAnotherTypeOrExtensionIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, jwks.EdDSA)
	for _, header := range []map[string]any{
		{"crit": []string{"b64"}, "b64": false}, {"crit": []string{}}, {"crit": "exp"},
		{"typ": "logout+jwt"}, {"typ": "dpop+jwt"}, {"typ": "JWE"}, {"typ": ""}, {"typ": 7},
	} {
		b.refused(t, b.keys[jwks.EdDSA].Sign(t, b.claims(nil), header), jwtauth.WrongType)
	}
}

func TestMalformedTokensAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, jwks.EdDSA)
	good := b.keys[jwks.EdDSA].Sign(t, b.claims(nil), nil)
	parts := strings.Split(good, ".")
	tests := []struct {
		name, token string
		want        jwtauth.Refusal
	}{
		{name: "nothing", want: jwtauth.Malformed},
		{name: "only dots", token: "..", want: jwtauth.Malformed},
		{name: "two parts", token: parts[0] + "." + parts[1], want: jwtauth.Malformed},
		{name: "four parts", token: good + ".", want: jwtauth.Malformed},
		{name: "encrypted, five parts", token: "a.b.c.d.e", want: jwtauth.Malformed},
		{name: "a line break", token: parts[0] + "\n." + parts[1] + "." + parts[2], want: jwtauth.Malformed},
		{name: "a space before", token: " " + good, want: jwtauth.Malformed},
		{name: "padding", token: good + "==", want: jwtauth.Malformed},
		{name: "standard base64", token: strings.ReplaceAll(good, parts[2][:1], "+"), want: jwtauth.Malformed},
		{name: "a header that is not JSON", token: part("{") + "." + parts[1] + "." + parts[2], want: jwtauth.Malformed},
		{name: "a header that is an array", token: part("[]") + "." + parts[1] + "." + parts[2], want: jwtauth.Malformed},
		{name: "a header that is null", token: part("null") + "." + parts[1] + "." + parts[2], want: jwtauth.WrongAlgorithm},
		{name: "claims that are null", token: parts[0] + "." + part("null") + "." + parts[2], want: jwtauth.NoAudience},
		{name: "claims that are a string", token: parts[0] + "." + part(`"a"`) + "." + parts[2], want: jwtauth.Malformed},
		{name: "two claim objects", token: parts[0] + "." + part("{}{}") + "." + parts[2], want: jwtauth.Malformed},
		{name: "a duplicate claim", token: parts[0] + "." + part(`{"tenant_id":"acme","tenant_id":"victim"}`) + "." + parts[2], want: jwtauth.Malformed},
		{name: "claims that are not UTF-8", token: parts[0] + "." + part("{\"a\":\"\xff\"}") + "." + parts[2], want: jwtauth.Malformed},
		{name: "claims nested 4,000 deep", token: parts[0] + "." + part(strings.Repeat("[", 4000)) + "." + parts[2], want: jwtauth.Malformed},
		{name: "8 KB", token: pad(good, jwtauth.MaxBytes), want: jwtauth.WrongSignature},
		{name: "8 KB and a byte", token: pad(good, jwtauth.MaxBytes+1), want: jwtauth.TooLong},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := jwtauth.HasForm(tt.token); got != (strings.Count(tt.token, ".") == 2) {
				t.Errorf("HasForm = %v", got)
			}
			setup(t, jwks.EdDSA).refused(t, tt.token, tt.want)
		})
	}
}

// pad returns the token with characters added up to n bytes.
func pad(token string, n int) string {
	return token + strings.Repeat("A", n-len(token))
}

// TestChangedByteIsRefused checks a property: a valid token with any one byte changed
// is refused.
func TestChangedByteIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, jwks.Algorithms()...)
	tokens := map[string]string{}
	for _, algorithm := range jwks.Algorithms() {
		tokens[algorithm] = b.keys[algorithm].Sign(t, b.claims(nil), nil)
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n\x00\xff"
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(tokens[rapid.SampledFrom(jwks.Algorithms()).Draw(t, "algorithm")])
		place := rapid.IntRange(0, len(text)-1).Draw(t, "place")
		other := rapid.SampledFrom([]byte(alphabet)).Filter(func(c byte) bool { return c != text[place] }).Draw(t, "byte")
		text[place] = other
		if caller, err := b.verifier.Verify(t.Context(), string(text)); err == nil {
			t.Fatalf("byte %d as %q: accepted for %+v", place, other, caller)
		}
	})
	// The last character has spare bits, which a lenient base64 decoder ignores.
	for algorithm, token := range tokens {
		for _, c := range alphabet {
			if changed := token[:len(token)-1] + string(c); changed != token {
				if _, err := b.verifier.Verify(t.Context(), changed); err == nil {
					t.Errorf("%s: accepted with %q at its end", algorithm, c)
				}
			}
		}
	}
}

// FuzzVerify checks that only the provider's tokens are accepted and nothing panics.
func FuzzVerify(f *testing.F) {
	b := setup(f, jwks.EdDSA)
	good := []string{
		b.keys[jwks.EdDSA].Sign(f, b.claims(nil), nil),
		b.keys[jwks.EdDSA].Sign(f, b.claims(map[string]any{"scope": []any{"webhooks:read"}, "aud": []any{audience}}), map[string]any{"typ": "at+jwt"}),
	}
	for _, token := range good {
		f.Add(token)
	}
	f.Add("..")
	f.Add(part(`{"alg":"none"}`) + "." + part(`{"exp":1e999}`) + ".")
	f.Add(part(`{"alg":"EdDSA","kid":"EdDSA","crit":["x"]}`) + "." + part(`{"exp":9999999999,"nbf":-1,"aud":[[]]}`) + ".AAAA")
	f.Fuzz(func(t *testing.T, token string) {
		caller, err := b.verifier.Verify(t.Context(), token)
		if accepted := err == nil; accepted != slices.Contains(good, token) {
			t.Errorf("accepted %v for %+v, %v: %q", accepted, caller, err, token)
		}
	})
}
