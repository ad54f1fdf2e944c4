package main

import (
	"testing"
	"time"

	"webhooks/shared/auth/apikey"
	"webhooks/shared/event"
)

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"action":"issue","tenant_id":"acme","scopes":["logs:read"],"expires_at":"2999-01-26T12:00:00+02:00"}`))
	f.Add([]byte(`{"action":"expire","key_id":"abcdefghijklmnop"}`))
	f.Add([]byte(`{"action":"revoke","key_id":"jwks#https://id.example.com"}`))
	now := time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := parse(text, now)
		if err != nil {
			return
		}
		byTenant := r.action == issue || r.action == list
		if byTenant && !event.ValidID(r.tenantID) || !byTenant && !apikey.ValidID(r.keyID) {
			t.Errorf("%s is accepted as %+v", text, r)
		}
		if r.action == issue && (len(r.scopes) == 0 || !r.expiresAt.IsZero() && !r.expiresAt.After(now)) {
			t.Errorf("%s issues a key with %v until %v", text, r.scopes, r.expiresAt)
		}
	})
}
