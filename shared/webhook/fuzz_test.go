package webhook_test

import (
	"strings"
	"testing"
	"time"

	"webhooks/shared/apperr"
	"webhooks/shared/glyph"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/signature"
)

func FuzzDecode(f *testing.F) {
	f.Add(body(nil))
	f.Add([]byte(`{"name": null, "events": [1], "": {}}`))
	f.Add(body(map[string]string{"name": `"\u200b\ufe0f"`, "secret": `"\ufeffwhsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"`}))
	f.Add(body(map[string]string{"url": `"https://a.example/\u2060?a=%zz"`, "secret": `"        "`}))
	f.Add(body(map[string]string{"rate_limit": `1e-400`}))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := webhook.DecodeRegistration(text, urls(t))
		if err != nil {
			if reason := apperr.From(err).Reason; reason != apperr.InvalidJSON && reason != apperr.InvalidFields {
				t.Errorf("error = %v, want a refusal", err)
			}
			return
		}
		if _, err := n.Webhook("acme").SigningKeys(n.Webhook("acme").CreatedAt); err != nil || len(n.Events) == 0 || n.Name == "" || n.URL == "" {
			t.Errorf("accepted an incomplete webhook: %+v, %v", n, err)
		}
		if n.RateLimit != 0 && (n.RateLimit < webhook.MinRateLimit || n.RateLimit > webhook.MaxRateLimit) {
			t.Errorf("accepted a rate limit of %v", n.RateLimit)
		}
		if !glyph.Visible(n.Name) || strings.ContainsFunc(n.Name, glyph.Controls) || !glyph.Visible(n.Secret) || strings.ContainsFunc(n.URL, glyph.Hidden) {
			t.Errorf("accepted text that nobody sees: %q, %q, %q", n.Name, n.Secret, n.URL)
		}
	})
}

func FuzzDecodePatch(f *testing.F) {
	f.Add([]byte(`{"name":"x","url":"https://example.com/","secret":"your-secret-key","events":["alert.resolved"],"enabled":false}`))
	f.Add([]byte(`{"webhook_id":1,"created_at":"x","enabled":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := webhook.DecodePatch(text, 7, urls(t))
		if err != nil {
			if reason := apperr.From(err).Reason; reason != apperr.InvalidJSON && reason != apperr.InvalidFields && reason != apperr.NothingToUpdate {
				t.Errorf("error = %v, want a refusal", err)
			}
			return
		}
		if p.Secret != nil {
			if _, err := signature.ParseSecret(*p.Secret); err != nil {
				t.Errorf("accepted an invalid secret: %v", err)
			}
		}
		if p.Events != nil && len(p.Events) == 0 || p.Name != nil && *p.Name == "" || p.URL != nil && *p.URL == "" {
			t.Errorf("accepted an empty field: %+v", p)
		}
	})
}

func FuzzDecodeRotation(f *testing.F) {
	f.Add([]byte(`{"overlap_days":7}`))
	f.Add([]byte(`{"overlap_days":1.0}`))
	f.Add([]byte(`{"overlap_days":1e400,"secret":"whsec_"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := webhook.DecodeRotation(text)
		if err != nil {
			return
		}
		if r.Overlap < 0 || r.Overlap > webhook.MaxOverlapDays*24*time.Hour || r.Overlap%(24*time.Hour) != 0 {
			t.Errorf("%s: overlap = %v, want 0 to %d whole days", text, r.Overlap, webhook.MaxOverlapDays)
		}
		if _, err := signature.ParseSecret(r.Secret); err != nil {
			t.Errorf("generated secret: %v", err)
		}
	})
}
