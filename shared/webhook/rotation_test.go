package webhook_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"webhooks/shared/apperr"
	"webhooks/shared/apperr/locale"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/signature"
)

const day = 24 * time.Hour

func TestDecodeRotation(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		body string
		want time.Duration
	}{
		{name: "empty body", body: "", want: day},
		{name: "white space", body: " \r\n", want: day},
		{name: "empty object", body: "{}", want: day},
		{name: "without overlap", body: `{"overlap_days": 0}`, want: 0},
		{name: "three days", body: `{"overlap_days": 3}`, want: 3 * day},
		{name: "a week", body: `{"overlap_days":7}`, want: 7 * day},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := webhook.DecodeRotation([]byte(tt.body))
			if err != nil || got.Overlap != tt.want {
				t.Errorf("overlap = %v, %v, want %v", got.Overlap, err, tt.want)
			}
			if _, err := signature.ParseSecret(got.Secret); err != nil {
				t.Errorf("generated secret: %v", err)
			}
		})
	}
}

func TestDecodeRotationGeneratesANewSecret(t *testing.T) {
	t.Parallel()
	one, err := webhook.DecodeRotation(nil)
	two, err2 := webhook.DecodeRotation(nil)
	if err != nil || err2 != nil || one.Secret == two.Secret {
		t.Errorf("the same secret twice, or errors: %v, %v", err, err2)
	}
}

func TestDecodeRotationRefuses(t *testing.T) {
	t.Parallel()
	const outOfRange = "overlap_days: must be an integer from 0 to 7"
	tests := []struct {
		name string
		body string
		want []string
	}{
		{name: "eight days", body: `{"overlap_days":8}`, want: []string{outOfRange}},
		{name: "negative", body: `{"overlap_days":-1}`, want: []string{outOfRange}},
		{name: "integer overflow", body: `{"overlap_days":99999999999999999999}`, want: []string{outOfRange}},
		{name: "half a day", body: `{"overlap_days":0.5}`, want: []string{outOfRange}},
		{name: "text", body: `{"overlap_days":"1"}`, want: []string{outOfRange}},
		{name: "null", body: `{"overlap_days":null}`, want: []string{"overlap_days: must not be null; leave the field out for its default"}},
		{name: "another field", body: `{"secret":"your-secret-key","overlap_days":9}`, want: []string{outOfRange, "secret: is not a known field"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := webhook.DecodeRotation([]byte(tt.body))
			if d := cmp.Diff(tt.want, refusals(t, err)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
	for _, body := range []string{"[]", "null", "{", "0"} {
		if _, err := webhook.DecodeRotation([]byte(body)); !apperr.Is(err, apperr.InvalidJSON) {
			t.Errorf("%s: error = %v, want invalid JSON", body, err)
		}
	}
}

func TestApplyRotations(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 26, 10, 0, 0, 500, time.UTC)
	after := func(d time.Duration) time.Time { return now.Truncate(time.Second).Add(d) }
	type previous = webhook.PreviousSecret
	rotate := func(secret string, overlap time.Duration) webhook.Rotation {
		return webhook.Rotation{Secret: secret, Overlap: overlap}
	}
	tests := []struct {
		name      string
		rotations []webhook.Rotation
		want      []previous
	}{
		{name: "a day", rotations: []webhook.Rotation{rotate("secret-1", day)}, want: []previous{{webhooktest.Secret, after(day)}}},
		{name: "a week", rotations: []webhook.Rotation{rotate("secret-1", 7*day)}, want: []previous{{webhooktest.Secret, after(7 * day)}}},
		{name: "without overlap", rotations: []webhook.Rotation{rotate("secret-1", 0)}},
		{
			name:      "the second keeps what the first promised",
			rotations: []webhook.Rotation{rotate("secret-1", 7*day), rotate("secret-2", day)},
			want:      []previous{{"secret-1", after(day)}, {webhooktest.Secret, after(7 * day)}},
		},
		{
			name:      "without overlap, which ends earlier overlaps too",
			rotations: []webhook.Rotation{rotate("secret-1", 7*day), rotate("secret-2", 7*day), rotate("secret-3", 0)},
		},
		{name: "the same secret", rotations: []webhook.Rotation{rotate("secret-1", day), rotate("secret-1", 0)}, want: []previous{{webhooktest.Secret, after(day)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := webhooktest.Webhook("acme")
			for _, r := range tt.rotations {
				var err error
				if w, err = r.Apply(w, now); w.Secret != r.Secret || err != nil {
					t.Errorf("secret = %q, %v, want %q", w.Secret, err, r.Secret)
				}
			}
			if d := cmp.Diff(tt.want, w.PreviousSecrets); d != "" {
				t.Errorf("previous secrets (-want +got):\n%s", d)
			}
		})
	}
}

// After any sequence of rotations the current secret signs, then at most two
// replaced ones. Each replaced secret signs exactly as long as promised, and no key
// signs twice, however the secret is written. What cannot be promised is refused.
func TestRotationProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		w, now := webhooktest.Webhook("acme"), time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC)
		ends := map[string]time.Time{} // of the replaced keys that sign
		secrets := []string{"secret-1", "secret-2", "secret-3", sameBytes, encodedBytes, encodedBytesAndZeros}
		for range rapid.IntRange(1, 10).Draw(r, "rotations") {
			now = now.Add(time.Duration(rapid.IntRange(0, 5).Draw(r, "days")) * day)
			rotation := webhook.Rotation{
				Secret:  secrets[rapid.IntRange(0, len(secrets)-1).Draw(r, "secret")],
				Overlap: time.Duration(rapid.IntRange(0, 7).Draw(r, "overlap")) * day,
			}
			after, err := rotation.Apply(w, now)
			current, next := signer(r, w.Secret), signer(r, rotation.Secret)
			promised := maps.Clone(ends)
			if current != next {
				if rotation.Overlap == 0 {
					clear(promised)
				}
				promised[current] = now.Add(rotation.Overlap)
				delete(promised, next)
				maps.DeleteFunc(promised, func(_ string, end time.Time) bool { return !now.Before(end) })
			}
			if len(promised) > webhook.MaxPreviousSecrets {
				if !apperr.Is(err, apperr.TooManySecrets) {
					r.Fatalf("error = %v, want a refusal: %d replaced secrets would sign", err, len(promised))
				}
				continue
			}
			if twice, again := rotation.Apply(after, now); err != nil || again != nil || !cmp.Equal(after, twice) {
				r.Fatalf("applied: %v; applied twice: %v (-once +twice):\n%s", err, again, cmp.Diff(after, twice))
			}
			w, ends = after, promised
			checkSigners(r, w, now, next, ends)
		}
	})
}

// Three secrets with the same key: HMAC adds zeros to short keys.
const (
	sameBytes            = "abcdefghijklmnopqrstuvwx"
	encodedBytes         = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4"
	encodedBytesAndZeros = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4AAAA"
)

// signer returns the signature that a secret makes, which tells keys apart.
func signer(t rapid.TB, secret string) string {
	t.Helper()
	key, err := signature.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	return signature.Sign([]signature.Key{key}, "id", time.Unix(0, 0), nil)
}

// checkSigners checks that w is signed with the key current and the replaced keys in
// ends, each once and until its end.
func checkSigners(t rapid.TB, w webhook.Webhook, now time.Time, current string, ends map[string]time.Time) {
	t.Helper()
	if signer(t, w.Secret) != current {
		t.Fatalf("the secret is %q, which makes another signature", w.Secret)
	}
	signing := 1
	for _, p := range w.PreviousSecrets {
		if end, replaced := ends[signer(t, p.Secret)]; !replaced || !p.ExpiresAt.Equal(end) {
			t.Fatalf("%q signs until %v, want until %v", p.Secret, p.ExpiresAt, end)
		}
		if now.Before(p.ExpiresAt) {
			signing++
		}
	}
	if keys, err := w.SigningKeys(now); err != nil || len(keys) != signing || len(w.PreviousSecrets) != len(ends) {
		t.Fatalf("%d keys sign, %v, with %d replaced secrets, want %d and %d", len(keys), err, len(w.PreviousSecrets), signing, len(ends))
	}
}

// TestAPromisedOverlapIsKept: receivers may use a replaced secret until the time that
// its rotation returned.
func TestAPromisedOverlapIsKept(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC)
	w := webhooktest.Webhook("acme")
	apply := func(secret string, overlap time.Duration, now time.Time) error {
		after, err := webhook.Rotation{Secret: secret, Overlap: overlap}.Apply(w, now)
		if err == nil {
			w = after
		}
		return err
	}
	if err := errors.Join(apply("secret-1", 7*day, now), apply("secret-2", 3*day, now)); err != nil {
		t.Fatal(err)
	}
	third := "secret-3"
	_, put := webhook.Patch{Secret: &third}.Apply(w, now.Add(time.Hour))
	for name, err := range map[string]error{"rotation": apply(third, day, now.Add(time.Hour)), "PUT": put} {
		if !apperr.Is(err, apperr.TooManySecrets) {
			t.Fatalf("third %s: error = %v, want a refusal", name, err)
		}
		if got := apperr.From(err).Message(locale.English); !strings.Contains(got, "2026-01-29T10:00:00Z") || !strings.Contains(got, "overlap_days") {
			t.Errorf("third %s: %q does not say until when, or what else to do", name, got)
		}
	}
	if err := apply(third, day, now.Add(3*day)); err != nil {
		t.Errorf("a rotation after the first of them has expired: %v", err)
	}
	if err := apply("secret-4", 0, now.Add(3*day)); err != nil || len(w.PreviousSecrets) != 0 {
		t.Errorf("a rotation without overlap: %v, %v still sign", err, w.PreviousSecrets)
	}
}

// TestTheSameKeyInAnotherFormSignsOnce: whsec_ and base64, and the bytes themselves.
func TestTheSameKeyInAnotherFormSignsOnce(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC)
	forms := []string{sameBytes, encodedBytes, encodedBytesAndZeros}
	for _, first := range forms {
		for _, second := range forms {
			w := webhooktest.Webhook("acme", func(w *webhook.Webhook) { w.Secret = first })
			w, err := webhook.Patch{Secret: &second}.Apply(w, now)
			if err != nil || w.Secret != second || len(w.PreviousSecrets) != 0 {
				t.Errorf("%q replaced by %q: %v, secret %q, %v also sign", first, second, err, w.Secret, w.PreviousSecrets)
			}
			// The first form comes back after another secret was current.
			between, err := webhook.Rotation{Secret: "another-secret", Overlap: day}.Apply(w, now)
			if err != nil {
				t.Fatal(err)
			}
			back, err := webhook.Rotation{Secret: first, Overlap: day}.Apply(between, now)
			if err != nil || len(back.PreviousSecrets) != 1 || back.PreviousSecrets[0].Secret != "another-secret" {
				t.Errorf("%q, then another, then %q: %v, %v also sign", second, first, err, back.PreviousSecrets)
			}
		}
	}
}
