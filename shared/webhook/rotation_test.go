package webhook_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"webhooks/shared/apperr"
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
			name:      "the third drops the oldest secret",
			rotations: []webhook.Rotation{rotate("secret-1", 7*day), rotate("secret-2", day), rotate("secret-3", 2*day)},
			want:      []previous{{"secret-2", after(2 * day)}, {"secret-1", after(day)}},
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
				w = r.Apply(w, now)
				if w.Secret != r.Secret {
					t.Errorf("secret = %q, want %q", w.Secret, r.Secret)
				}
			}
			if d := cmp.Diff(tt.want, w.PreviousSecrets); d != "" {
				t.Errorf("previous secrets (-want +got):\n%s", d)
			}
		})
	}
}

// After any sequence of rotations the current secret signs, then at most two
// replaced ones. No secret signs after its expiry, and none signs twice.
func TestRotationProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		w, now := webhooktest.Webhook("acme"), time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC)
		ends := map[string]time.Time{}
		for range rapid.IntRange(1, 10).Draw(r, "rotations") {
			now = now.Add(time.Duration(rapid.IntRange(0, 5).Draw(r, "days")) * day)
			rotation := webhook.Rotation{
				Secret:  fmt.Sprint("secret-", rapid.IntRange(0, 4).Draw(r, "secret")),
				Overlap: time.Duration(rapid.IntRange(0, 7).Draw(r, "overlap")) * day,
			}
			if rotation.Secret != w.Secret {
				ends[w.Secret] = now.Add(rotation.Overlap)
			}
			before := w
			w = rotation.Apply(w, now)
			if d := cmp.Diff(w, rotation.Apply(w, now)); d != "" {
				r.Fatalf("applied twice (-once +twice):\n%s", d)
			}
			seen := map[string]bool{w.Secret: true}
			for _, p := range w.PreviousSecrets {
				if seen[p.Secret] || !p.ExpiresAt.Equal(ends[p.Secret]) {
					r.Fatalf("%q signs twice, or until %v instead of %v", p.Secret, p.ExpiresAt, ends[p.Secret])
				}
				seen[p.Secret] = true
			}
			keys, err := w.SigningKeys(now)
			if err != nil || len(keys) > 1+webhook.MaxPreviousSecrets || w.Secret != rotation.Secret {
				r.Fatalf("%d keys, %v, secret %q, want at most 3 keys and the secret %q", len(keys), err, w.Secret, rotation.Secret)
			}
			if rotation.Overlap == 0 && rotation.Secret != before.Secret && len(keys) != 1 {
				r.Fatalf("%d keys sign after a rotation without overlap, want one", len(keys))
			}
		}
	})
}
