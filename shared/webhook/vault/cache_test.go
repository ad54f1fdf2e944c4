package vault_test

import (
	"fmt"
	"testing"
	"time"

	"webhooks/shared/webhook/vault"
)

func TestCacheDropsOldKeys(t *testing.T) {
	t.Parallel()
	s, now := new(stub), time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC)
	start := now
	v := vault.New(s, vault.DecryptOnly)
	v.SetClock(func() time.Time { return now })
	steps := []struct {
		at    time.Duration
		calls int32
	}{
		{at: 0, calls: 1},
		{at: vault.MaxAge / 2, calls: 1}, // use does not renew the key
		{at: vault.MaxAge - 1, calls: 1},
		{at: vault.MaxAge, calls: 2},
		{at: 2*vault.MaxAge - 1, calls: 2},
		{at: 100 * vault.MaxAge, calls: 3},
		{at: 0, calls: 4}, // a clock that was set back: the age is unknown
	}
	for i, step := range steps {
		now = start.Add(step.at)
		if _, err := v.DataKey(t.Context(), tenant, []byte("wrapped")); err != nil {
			t.Fatal(err)
		}
		if got := s.calls.Load(); got != step.calls {
			t.Errorf("step %d, after %v: %d calls, want %d", i, step.at, got, step.calls)
		}
	}
}

func TestCacheEvictsTheLeastRecentlyUsed(t *testing.T) {
	t.Parallel()
	s := new(stub)
	v := vault.New(s, vault.DecryptOnly)
	v.SetMaxKeys(3)
	for i, step := range []struct {
		tenant string
		calls  int32
	}{
		{"a", 1}, {"b", 2}, {"c", 3}, {"a", 3}, // all three are cached
		{"d", 4}, {"a", 4}, {"c", 4}, // b was evicted
		{"b", 5}, {"d", 6}, {"c", 6},
	} {
		if _, err := v.DataKey(t.Context(), step.tenant, []byte("wrapped")); err != nil {
			t.Fatal(err)
		}
		if got := s.calls.Load(); got != step.calls {
			t.Errorf("step %d, tenant %s: %d calls, want %d", i, step.tenant, got, step.calls)
		}
	}
}

func TestCacheTellsDataKeysOfATenantApart(t *testing.T) {
	t.Parallel()
	s := new(stub)
	v := vault.New(s, vault.DecryptOnly)
	keys := map[*vault.DataKey]bool{}
	for range 2 {
		for _, wrapped := range []string{"1", "2"} {
			key, err := v.DataKey(t.Context(), tenant, []byte(wrapped))
			if err != nil {
				t.Fatal(err)
			}
			keys[key] = true
		}
	}
	if len(keys) != 2 || s.calls.Load() != 2 {
		t.Errorf("%d keys after %d calls, want 2 after 2", len(keys), s.calls.Load())
	}
}

// BenchmarkOpenCached measures what encryption costs a delivery with a cached key.
func BenchmarkOpenCached(b *testing.B) {
	v := vault.New(new(stub), vault.DecryptOnly)
	wrapped := fmt.Appendf(nil, "%0184d", 1) // as long as on AWS
	key, err := v.DataKey(b.Context(), tenant, wrapped)
	if err != nil {
		b.Fatal(err)
	}
	box := key.Seal(owner(), "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	b.ReportAllocs()
	for b.Loop() {
		key, err := v.DataKey(b.Context(), tenant, wrapped)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := key.Open(owner(), box); err != nil {
			b.Fatal(err)
		}
	}
}
