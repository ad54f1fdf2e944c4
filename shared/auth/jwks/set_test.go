package jwks_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/auth/jwks"
	"webhooks/shared/testkit/jwkstest"
)

// document is a fetcher that returns itself.
type document []byte

func (d document) Fetch(context.Context) ([]byte, error) { return d, nil }

// find looks a key up in a set, as a new instance does.
func find(t *testing.T, text []byte, id, algorithm string) ([]crypto.PublicKey, error) {
	t.Helper()
	keys := jwks.New(slog.New(slog.DiscardHandler), document(text), &memory{}, time.Now)
	return keys.Find(t.Context(), id, algorithm)
}

func TestKeyVerifiesItsAlgorithms(t *testing.T) {
	t.Parallel()
	keys := map[string]map[string]any{
		"rsa": jwkstest.NewKey(t, "rsa", jwks.RS256).JWK(t),
		"ec":  jwkstest.NewKey(t, "ec", jwks.ES256).JWK(t),
		"ed":  jwkstest.NewKey(t, "ed", jwks.EdDSA).JWK(t),
	}
	always := jwkstest.NewKey(t, "always", jwks.EdDSA).JWK(t) // a set without a usable key is an error
	tests := []struct {
		name   string
		key    string
		change map[string]any // nil removes a member
		want   []string       // the algorithms that find the key
	}{
		{name: "RSA for RS256", key: "rsa", want: []string{jwks.RS256}},
		{name: "RSA for PS256", key: "rsa", change: map[string]any{"alg": "PS256"}, want: []string{jwks.PS256}},
		{name: "RSA without an algorithm", key: "rsa", change: map[string]any{"alg": nil}, want: []string{jwks.RS256, jwks.PS256}},
		{name: "RSA for another algorithm", key: "rsa", change: map[string]any{"alg": "RS512"}},
		{name: "RSA with an algorithm for encryption", key: "rsa", change: map[string]any{"alg": "RSA-OAEP"}},
		{name: "RSA with an algorithm for ECDSA", key: "rsa", change: map[string]any{"alg": "ES256"}},
		{name: "RSA with an algorithm for HMAC", key: "rsa", change: map[string]any{"alg": "HS256"}},
		{name: "P-256", key: "ec", change: map[string]any{"alg": nil}, want: []string{jwks.ES256}},
		{name: "P-256 with a point off the curve", key: "ec", change: map[string]any{"x": strings.Repeat("A", 43)}},
		{name: "P-256 coordinates on P-384", key: "ec", change: map[string]any{"crv": "P-384"}},
		{name: "Ed25519", key: "ed", want: []string{jwks.EdDSA}},
		{name: "X25519", key: "ed", change: map[string]any{"crv": "X25519"}},
		{name: "Ed25519 of 31 bytes", key: "ed", change: map[string]any{"x": strings.Repeat("A", 42)}},
		{name: "for encryption", key: "ec", change: map[string]any{"use": "enc"}},
		{name: "without a use", key: "ec", change: map[string]any{"use": nil}, want: []string{jwks.ES256}},
		{name: "for verification", key: "ec", change: map[string]any{"key_ops": []string{"verify"}}, want: []string{jwks.ES256}},
		{name: "for other operations", key: "ec", change: map[string]any{"key_ops": []string{"sign", "deriveKey"}}},
		{name: "for no operation", key: "ec", change: map[string]any{"key_ops": []string{}}},
		{name: "without an id", key: "ec", change: map[string]any{"kid": nil}},
		{name: "with an id of another type", key: "ec", change: map[string]any{"kid": 7}},
		{name: "without a type", key: "ec", change: map[string]any{"kty": nil}},
		{name: "of an unknown type", key: "ec", change: map[string]any{"kty": "AKP"}},
		{name: "symmetric", key: "ec", change: map[string]any{"kty": "oct", "k": "c2VjcmV0"}},
		{name: "with an invalid certificate", key: "ec", change: map[string]any{"x5c": []string{"!"}, "x5u": "http://127.0.0.1:1/"}, want: []string{jwks.ES256}},
		{name: "with unknown members", key: "ec", change: map[string]any{"exp": 1, "kid2": "x"}, want: []string{jwks.ES256}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, algorithm := range append(jwks.Algorithms(), "none", "HS256", "RS512", "ES384") {
				found, err := find(t, jwkstest.Document(t, changed(keys[tt.key], tt.change), always), tt.key, algorithm)
				if err != nil && !errors.Is(err, jwks.ErrNoKey) {
					t.Fatal(err)
				}
				if len(found) > 0 {
					got = append(got, algorithm)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("algorithms that find the key (-want +got):\n%s", diff)
			}
		})
	}
}

// changed returns members with changes; a nil removes one.
func changed(members, changes map[string]any) map[string]any {
	result := map[string]any{}
	for name, value := range members {
		result[name] = value
	}
	for name, value := range changes {
		if result[name] = value; value == nil {
			delete(result, name)
		}
	}
	return result
}

func TestKeyOfAnotherSizeIsIgnored(t *testing.T) {
	t.Parallel()
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	modulus := func(bits uint) map[string]any {
		n := new(big.Int).Lsh(big.NewInt(1), bits-1) // the test needs only the length
		return map[string]any{
			"kty": "RSA", "kid": "k", "e": "AQAB", "n": base64.RawURLEncoding.EncodeToString(n.SetBit(n, 0, 1).Bytes()),
		}
	}
	always := jwkstest.NewKey(t, "always", jwks.EdDSA).JWK(t)
	tests := []struct {
		name string
		key  map[string]any
		used bool
	}{
		{name: "RSA of 1024 bits", key: modulus(1024)},
		{name: "RSA of 2047 bits", key: modulus(2047)},
		{name: "RSA of 2048 bits", key: modulus(2048), used: true},
		{name: "RSA of 8192 bits", key: modulus(8192), used: true},
		{name: "RSA of 8193 bits", key: modulus(8193)},
		{name: "RSA with an exponent of 65 bits", key: changed(modulus(2048), map[string]any{"e": "AQAAAAAAAAAD"})},
		{name: "P-384", key: changed(jwkstest.Key{ID: "k", Private: p384}.JWK(t), map[string]any{"alg": nil})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			used := false
			for _, algorithm := range jwks.Algorithms() {
				found, err := find(t, jwkstest.Document(t, tt.key, always), "k", algorithm)
				if err != nil && !errors.Is(err, jwks.ErrNoKey) {
					t.Fatal(err)
				}
				used = used || len(found) > 0
			}
			if used != tt.used {
				t.Errorf("used: %v, want %v", used, tt.used)
			}
		})
	}
}

func TestKeysMayShareAnID(t *testing.T) {
	t.Parallel()
	rsaKey, edKey := jwkstest.NewKey(t, "k", jwks.RS256), jwkstest.NewKey(t, "k", jwks.EdDSA)
	found, err := find(t, jwkstest.Document(t, rsaKey.JWK(t), edKey.JWK(t), edKey.JWK(t)), "k", jwks.RS256)
	if err != nil || len(found) != 1 {
		t.Fatalf("found %d keys, %v", len(found), err)
	}
	if !found[0].(*rsa.PublicKey).Equal(rsaKey.Private.Public()) {
		t.Error("the key found is not the RSA key")
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	good := string(jwkstest.Document(t, jwkstest.NewKey(t, "k", jwks.EdDSA).JWK(t)))
	if _, err := jwks.Parse([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"nothing": "", "HTML": "<html>", "array": "[]", "null": "null", "no keys": "{}", "null keys": `{"keys":null}`,
		"empty keys": `{"keys":[]}`, "elements that are not keys": `{"keys":[null,1,"x",[],{}]}`, "keys of another type": `{"keys":{}}`,
		"other case": strings.Replace(good, `"keys"`, `"Keys"`, 1), "trailing data": good + "{}", "cut off": good[:len(good)-1],
		"two sets": strings.TrimSuffix(good, "}") + `,"keys":[]}`, "a key without a set": strings.TrimSuffix(strings.TrimPrefix(good, `{"keys":[`), "]}"),
	} {
		if _, err := jwks.Parse([]byte(text)); err == nil {
			t.Errorf("%s: parsed as a key set", name)
		}
	}
}

// TestPublishedVectors verifies the signatures of RFC 7515 A.3 and RFC 8037 A.
func TestPublishedVectors(t *testing.T) {
	t.Parallel()
	text := []byte(`{"keys":[
		{"kid":"ec","kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
		{"kid":"ed","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`)
	for id, vector := range map[string]struct{ algorithm, token string }{
		"ec": {jwks.ES256, "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
		"ed": {jwks.EdDSA, "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"},
	} {
		found, err := find(t, text, id, vector.algorithm)
		if err != nil {
			t.Fatal(err)
		}
		end := strings.LastIndexByte(vector.token, '.')
		signature, err := base64.RawURLEncoding.DecodeString(vector.token[end+1:])
		if err != nil {
			t.Fatal(err)
		}
		if err := jwt.GetSigningMethod(vector.algorithm).Verify(vector.token[:end], signature, found[0]); err != nil {
			t.Errorf("%s: %v", vector.algorithm, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kid":"ed","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`))
	f.Add([]byte(`{"keys":[{"kid":"ec","kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","use":"sig","key_ops":["verify"]}]}`))
	f.Add([]byte(`{"keys":[{"kid":"r","kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"oct","k":"AA"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, id := range []string{"ec", "ed", "r", ""} {
			for _, algorithm := range []string{"none", "HS256", ""} {
				if found, err := find(t, text, id, algorithm); err == nil {
					t.Errorf("the id %q has %v for the algorithm %q", id, found, algorithm)
				}
			}
		}
	})
}
