package signature_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"webhooks/shared/webhook/signature"
)

func encoded(n int) string {
	return "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xA5}, n))
}

func TestParseSecret(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		secret string
		want   error
	}{
		{name: "the API document's example", secret: "your-secret-key", want: nil},
		{name: "shortest raw secret", secret: "12345678", want: nil},
		{name: "too short raw secret", secret: "1234567", want: signature.ErrSecretLength},
		{name: "empty", secret: "", want: signature.ErrSecretLength},
		{name: "longest raw secret", secret: strings.Repeat("a", 256), want: nil},
		{name: "too long raw secret", secret: strings.Repeat("a", 257), want: signature.ErrSecretLength},
		{name: "256 characters of three bytes", secret: strings.Repeat("密", 256), want: nil},
		{name: "seven characters of three bytes", secret: strings.Repeat("密", 7), want: signature.ErrSecretLength},
		{name: "invalid UTF-8", secret: "12345678\xff", want: signature.ErrSecretCharacters},
		{name: "line break", secret: "12345678\n", want: signature.ErrSecretCharacters},
		{name: "NUL", secret: "1234\x005678", want: signature.ErrSecretCharacters},
		{name: "C1 control character", secret: "12345678\u0085", want: signature.ErrSecretCharacters},
		{name: "raw secret with spaces", secret: "correct horse battery", want: nil},
		{name: "prefix in capitals, which is a raw secret", secret: "WHSEC_not base64", want: nil},
		{name: "spaces", secret: "        ", want: signature.ErrSecretCharacters},
		{name: "space at the end", secret: "12345678 ", want: signature.ErrSecretCharacters},
		{name: "space at the beginning", secret: " 12345678", want: signature.ErrSecretCharacters},
		{name: "other spaces", secret: "1234\u00a05678", want: signature.ErrSecretCharacters},
		{name: "full-width spaces", secret: strings.Repeat("\u3000", 8), want: signature.ErrSecretCharacters},
		{name: "zero width space", secret: "12345678\u200b", want: signature.ErrSecretCharacters},
		{name: "byte order mark", secret: "\ufeff12345678", want: signature.ErrSecretCharacters},
		{name: "soft hyphens", secret: strings.Repeat("\u00ad", 8), want: signature.ErrSecretCharacters},
		{name: "Hangul fillers", secret: strings.Repeat("\u3164", 8), want: signature.ErrSecretCharacters},
		{name: "variation selector", secret: "12345678\ufe0f", want: signature.ErrSecretCharacters},
		{name: "change of direction", secret: "1234\u202e5678", want: signature.ErrSecretCharacters},
		{name: "combining marks", secret: strings.Repeat("\u0301", 8), want: signature.ErrSecretCharacters},
		{name: "letters with combining marks", secret: strings.Repeat("e\u0301", 8), want: nil},
		{name: "space before the prefix", secret: " " + encoded(32), want: signature.ErrSecretPrefix},
		{name: "byte order mark before the prefix", secret: "\ufeff" + encoded(32), want: signature.ErrSecretPrefix},
		{name: "line break before the prefix", secret: "\n" + encoded(32), want: signature.ErrSecretPrefix},
		{name: "quotation mark before the prefix", secret: `"` + encoded(32) + `"`, want: signature.ErrSecretPrefix},
		{name: "name before the prefix", secret: "WEBHOOK_SECRET=" + encoded(32), want: signature.ErrSecretPrefix},
		{name: "zero width space in the prefix", secret: "wh\u200bsec_" + encoded(32)[6:], want: signature.ErrSecretCharacters},
		{name: "space after the key", secret: encoded(32) + " ", want: signature.ErrSecretEncoding},
		{name: "zero width space after the key", secret: encoded(32) + "\u200b", want: signature.ErrSecretEncoding},
		{name: "shortest key", secret: encoded(24), want: nil},
		{name: "too short key", secret: encoded(23), want: signature.ErrSecretKeyLength},
		{name: "longest key", secret: encoded(64), want: nil},
		{name: "too long key", secret: encoded(65), want: signature.ErrSecretKeyLength},
		{name: "prefix alone", secret: "whsec_", want: signature.ErrSecretKeyLength},
		{name: "prefix without base64", secret: "whsec_your-secret-key!!", want: signature.ErrSecretEncoding},
		{name: "missing padding", secret: strings.TrimRight(encoded(32), "="), want: signature.ErrSecretEncoding},
		{name: "URL alphabet", secret: "whsec_" + strings.Repeat("-_", 20), want: signature.ErrSecretEncoding},
		{name: "line break in base64", secret: encoded(32) + "\n", want: signature.ErrSecretEncoding},
		{name: "stray bits in the last character", secret: "whsec_" + strings.Repeat("A", 41) + "BB=", want: signature.ErrSecretEncoding},
		{name: "prefix twice", secret: "whsec_" + encoded(32), want: signature.ErrSecretEncoding},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			key, err := signature.ParseSecret(tt.secret)
			if !errors.Is(err, tt.want) {
				t.Fatalf("error = %v, want %v", err, tt.want)
			}
			if key.IsZero() != (tt.want != nil) {
				t.Errorf("IsZero() = %v with error %v, want a key or an error", key.IsZero(), err)
			}
		})
	}
}

func TestNewSecret(t *testing.T) {
	t.Parallel()
	secret := signature.NewSecret()
	if _, err := signature.ParseSecret(secret); err != nil {
		t.Errorf("ParseSecret(NewSecret()) = %v", err)
	}
	if got, want := len(secret), len(encoded(32)); got != want {
		t.Errorf("length = %d, want %d", got, want)
	}
	if secret == signature.NewSecret() {
		t.Error("two secrets are equal")
	}
}

// A key that reaches a log line or an error by mistake must not be readable there.
func TestKeyNeverPrints(t *testing.T) {
	t.Parallel()
	const secret = "TOPSECRET-TOPSECRET"
	key := mustParse(t, secret)
	hidden := struct{ key signature.Key }{key}
	exported := struct{ Key signature.Key }{key}

	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb+verb, key, &key, hidden, exported)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("line", "key", key, "keys", []signature.Key{key}, "in", hidden)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("line", "key", key, "keys", []signature.Key{key}, "in", exported)
	text, err := json.Marshal(exported)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)

	printed := strings.ToUpper(out.String())
	for _, form := range []string{secret, fmt.Sprintf("%X", secret), fmt.Sprint([]byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret))} {
		if strings.Contains(printed, strings.ToUpper(form)) {
			t.Errorf("the output contains the secret as %q: %s", form, printed)
		}
	}
}

func mustParse(t testing.TB, secret string) signature.Key {
	t.Helper()
	key, err := signature.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
