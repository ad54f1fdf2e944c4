package vault_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"webhooks/shared/apperr"
	"webhooks/shared/webhook/vault"
)

func TestAnotherEnvironmentOpensSealedSecrets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sealing := b.newKey(t, tenant)
	box := sealing.Seal(owner(), "your-secret-key")

	key, err := b.other().DataKey(t.Context(), tenant, sealing.Wrapped())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := key.Open(owner(), box); err != nil || got != "your-secret-key" {
		t.Errorf("Open = %q, %v", got, err)
	}
}

// KMS decrypts a data key only for the tenant that it was generated for.
func TestADataKeyOpensOnlyForItsTenant(t *testing.T) {
	t.Parallel()
	b := setup(t)
	wrapped := b.newKey(t, tenant).Wrapped()
	broken := append([]byte(nil), wrapped...)
	broken[len(broken)/2]++ // a byte that the encryption context covers
	tests := []struct {
		name    string
		tenant  string
		wrapped []byte
	}{
		{name: "another tenant", tenant: "globex", wrapped: wrapped},
		{name: "a changed byte", tenant: tenant, wrapped: broken},
		{name: "truncated", tenant: tenant, wrapped: wrapped[:20]},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// The cache must refuse too: it holds the key for its own tenant.
			for _, v := range []*vault.Vault{b.Vault, b.other()} {
				if _, err := v.DataKey(t.Context(), tt.tenant, tt.wrapped); err == nil || apperr.From(err).Reason != apperr.InternalError {
					t.Errorf("error = %v, want an internal one", err)
				}
			}
		})
	}
}

func TestKMSIsDown(t *testing.T) {
	t.Parallel()
	for name, injected := range map[string]error{
		"unreachable":           errors.New("dial tcp: connection refused"),
		"access denied":         errors.New("AccessDeniedException"),
		"the key is disabled":   &types.DisabledException{},
		"an internal exception": &types.KMSInternalException{},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			known := b.newKey(t, tenant)
			b.fail(injected)
			if _, err := b.NewDataKey(t.Context(), "globex"); !apperr.Is(err, apperr.TemporarilyUnavailable) {
				t.Errorf("NewDataKey: error = %v, want temporarily unavailable", err)
			}
			if _, err := b.other().DataKey(t.Context(), tenant, known.Wrapped()); !apperr.Is(err, apperr.TemporarilyUnavailable) {
				t.Errorf("DataKey: error = %v, want temporarily unavailable", err)
			}
			if key, err := b.DataKey(t.Context(), tenant, known.Wrapped()); err != nil || key != known {
				t.Errorf("cached key: error = %v, want the key without a KMS call", err)
			}
		})
	}
}

// An error must not be cached: the next call asks KMS again.
func TestErrorsAreNotCached(t *testing.T) {
	t.Parallel()
	b := setup(t)
	wrapped, v := b.newKey(t, tenant).Wrapped(), b.other()
	b.fail(errors.New("down"))
	if _, err := v.DataKey(t.Context(), tenant, wrapped); err == nil {
		t.Fatal("no error while KMS is down")
	}
	b.faults.Clear()
	if _, err := v.DataKey(t.Context(), tenant, wrapped); err != nil {
		t.Error(err)
	}
}

func TestConcurrentMissesShareACall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &stub{release: make(chan struct{})}
		v := vault.New(s, vault.DecryptOnly)
		var group sync.WaitGroup
		for i := range 20 {
			group.Go(func() {
				// Each of two tenants waits for its own call only.
				if _, err := v.DataKey(t.Context(), fmt.Sprint("tenant-", i%2), []byte("wrapped")); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if got := s.calls.Load(); got != 2 {
			t.Errorf("%d calls in flight, want one for each tenant", got)
		}
		close(s.release)
		group.Wait()
		if _, err := v.DataKey(t.Context(), "tenant-0", []byte("wrapped")); err != nil || s.calls.Load() != 2 {
			t.Errorf("%v after %d calls, want the key from the cache", err, s.calls.Load())
		}
	})
}

func TestACanceledCallerDoesNotFailOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &stub{release: make(chan struct{})}
		v := vault.New(s, vault.DecryptOnly)
		first, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := v.DataKey(first, tenant, []byte("wrapped")); !errors.Is(err, context.Canceled) {
				t.Errorf("first caller: error = %v, want canceled", err)
			}
		})
		synctest.Wait()
		group.Go(func() {
			if _, err := v.DataKey(t.Context(), tenant, []byte("wrapped")); err != nil {
				t.Errorf("second caller: %v", err)
			}
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(s.release)
		group.Wait()
		if got := s.calls.Load(); got != 1 {
			t.Errorf("%d calls, want one", got)
		}
	})
}

func TestAHangingKMSTimesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := vault.New(&stub{release: make(chan struct{})}, vault.DecryptOnly).DataKey(t.Context(), tenant, []byte("wrapped"))
		if took := time.Since(start); !apperr.Is(err, apperr.TemporarilyUnavailable) || took != vault.CallTimeout {
			t.Errorf("%v after %v, want temporarily unavailable after %v", err, took, vault.CallTimeout)
		}
	})
}

func TestADataKeyNeverPrints(t *testing.T) {
	t.Parallel()
	key := setup(t).newKey(t, tenant)
	text, err := json.Marshal(struct{ Key *vault.DataKey }{key})
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%v %+v %#v %s %x", key, key, key, key, key)
	if strings.ReplaceAll(all, "[redacted]", "") != "    " || string(text) != `{"Key":{}}` || key.LogValue().String() != "[redacted]" {
		t.Errorf("printed %s, %s, %s, want [redacted]", all, text, key.LogValue())
	}
}
