package signature_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"pgregory.net/rapid"

	"webhooks/shared/webhook/signature"
)

// The vector is from the tests of the Standard Webhooks libraries.
func TestSignPublishedVector(t *testing.T) {
	t.Parallel()
	key := mustParse(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	got := signature.Sign([]signature.Key{key}, "msg_p5jXN8AQM9LWM0D4loKWxJek",
		time.Unix(1614265330, 999_999_999), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("Sign() = %q, want %q", got, want)
	}
}

func TestSignSeveralKeys(t *testing.T) {
	t.Parallel()
	now := time.Now()
	body := []byte(`{"type":"training.failed"}`)
	secrets := []string{"the-new-secret", signature.NewSecret(), "the-old-secret"}
	var keys []signature.Key
	var single []string
	for _, secret := range secrets {
		key := mustParse(t, secret)
		keys = append(keys, key, signature.Key{}) // the zero Key is skipped
		single = append(single, signature.Sign([]signature.Key{key}, "evt_1", now, body))
	}
	header := signature.Sign(keys, "evt_1", now, body)
	if want := strings.Join(single, " "); header != want {
		t.Errorf("Sign() = %q, want %q", header, want)
	}
	for _, secret := range secrets {
		if err := verifier(t, secret).Verify(body, headers("evt_1", now, header)); err != nil {
			t.Errorf("verify with one of the secrets: %v", err)
		}
	}
}

func TestSignWithoutKeys(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]signature.Key{nil, {}, {{}}} {
		if got := signature.Sign(keys, "evt_1", time.Now(), nil); got != "" {
			t.Errorf("Sign(%d keys) = %q, want an empty header", len(keys), got)
		}
	}
}

// A signature verifies with the independent library, and does not if the id, the
// time or a byte of the body changes.
func TestSignProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.OneOf(
			rapid.Just(signature.NewSecret()),
			rapid.StringMatching(`[ -~]{8,40}`),
			rapid.StringMatching(`\p{Han}{8,256}`),
		).Filter(func(s string) bool { _, err := signature.ParseSecret(s); return err == nil }).Draw(t, "secret")
		id := rapid.StringMatching(`[A-Za-z0-9_-]{1,64}`).Draw(t, "id")
		body := rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, "body")
		at := time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "at"), 0)

		key, err := signature.ParseSecret(secret)
		if err != nil {
			t.Fatal(err)
		}
		header := signature.Sign([]signature.Key{key}, id, at, body)
		verify := func(body []byte, id string, at time.Time) error {
			return verifier(t, secret).VerifyIgnoringTimestamp(body, headers(id, at, header))
		}
		if err := verify(body, id, at); err != nil {
			t.Fatalf("the signed content does not verify: %v", err)
		}
		changed := slices.Clone(body)
		changed[rapid.IntRange(0, len(body)-1).Draw(t, "index")] ^= rapid.ByteRange(1, 255).Draw(t, "flip")
		if verify(changed, id, at) == nil {
			t.Error("a changed body verifies")
		}
		if verify(body, id+"x", at) == nil {
			t.Error("a changed id verifies")
		}
		if verify(body, id, at.Add(time.Second)) == nil {
			t.Error("a changed time verifies")
		}
	})
}

func BenchmarkSign(b *testing.B) {
	keys := []signature.Key{mustParse(b, signature.NewSecret()), mustParse(b, signature.NewSecret())}
	now := time.Now()
	for _, size := range []int{1 << 10, 256 << 10} {
		for n := 1; n <= len(keys); n++ {
			b.Run(fmt.Sprintf("%dKiB/%d", size>>10, n), func(b *testing.B) {
				body := make([]byte, size)
				b.ReportAllocs()
				b.SetBytes(int64(size))
				for b.Loop() {
					signature.Sign(keys[:n], "evt_01HZX3V4Q5", now, body)
				}
			})
		}
	}
}

// verifier returns a receiver's verifier, for which the library parses the secret.
func verifier(t interface {
	Helper()
	Fatal(args ...any)
}, secret string) *standardwebhooks.Webhook {
	t.Helper()
	parse := standardwebhooks.NewWebhook
	if !strings.HasPrefix(secret, "whsec_") {
		parse = func(s string) (*standardwebhooks.Webhook, error) { return standardwebhooks.NewWebhookRaw([]byte(s)) }
	}
	webhook, err := parse(secret)
	if err != nil {
		t.Fatal(err)
	}
	return webhook
}

func headers(id string, at time.Time, header string) http.Header {
	h := http.Header{}
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	h.Set("webhook-signature", header)
	return h
}
