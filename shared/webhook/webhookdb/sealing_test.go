package webhookdb_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/vault"
)

// format returns the format of a webhook's stored secret.
func (s sealing) format(t *testing.T, id int64) string {
	t.Helper()
	stored, _ := s.raw(t, id)["secret"].(*types.AttributeValueMemberS)
	if stored == nil {
		t.Fatal("no secret is stored")
	}
	format, _, _ := strings.Cut(stored.Value, ":")
	return format
}

// dataKey returns the encrypted data key in a webhook's item, or "".
func (s sealing) dataKey(t *testing.T, id int64) string {
	t.Helper()
	key, _ := s.raw(t, id)["data_key"].(*types.AttributeValueMemberB)
	if key == nil {
		return ""
	}
	return string(key.Value)
}

func TestTheNextWriteEncryptsPlainTextSecrets(t *testing.T) {
	t.Parallel()
	s := setupSealing(t)
	w, err := s.withoutVault().Create(t.Context(), webhooktest.Webhook(tenant, func(w *webhook.Webhook) {
		w.PreviousSecrets = []webhook.PreviousSecret{{Secret: "older-secret", ExpiresAt: s.now.Add(time.Hour).UTC().Truncate(time.Second)}}
	}), s.now)
	if err != nil {
		t.Fatal(err)
	}
	want := s.get(t, w.Key())
	if want.Secret != webhooktest.Secret || len(want.PreviousSecrets) != 1 || s.format(t, 1) != "plain" || s.kms.Calls("Decrypt") != 0 {
		t.Fatalf("%+v in format %s after %d KMS calls", want, s.format(t, 1), s.kms.Calls("Decrypt"))
	}
	got, err := s.Update(t.Context(), w.Key(), s.now, rename("other"))
	if err != nil {
		t.Fatal(err)
	}
	want.Name, want.Revision, want.UpdatedAt = "other", 2, got.UpdatedAt
	if d := diff(want, s.get(t, w.Key())); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if text := s.dump(t); strings.Contains(text, webhooktest.Secret) || strings.Contains(text, "older-secret") {
		t.Errorf("the table shows:\n%s", text)
	}
}

func TestEncryptionCanBeTurnedOff(t *testing.T) {
	t.Parallel()
	s := setupSealing(t)
	w := s.create(t)
	off := s.with(vault.Off)
	if _, err := off.Update(t.Context(), w.Key(), s.now, rename("other")); err != nil {
		t.Fatal(err)
	}
	if got := s.format(t, 1); got != "plain" || s.dataKey(t, 1) != "" {
		t.Errorf("format %s, data key %q, want a plain secret and no data key", got, s.dataKey(t, 1))
	}
	if got, err := off.GetWithSecrets(t.Context(), w.Key(), s.now); err != nil || got.Secret != webhooktest.Secret {
		t.Errorf("Get = %q, %v", got.Secret, err)
	}
}

// A function that only reads must not store an encrypted secret as plain text.
func TestADecryptOnlyStoreWritesNoSecret(t *testing.T) {
	t.Parallel()
	s := setupSealing(t)
	w := s.create(t)
	reader := s.with(vault.DecryptOnly)
	if _, err := reader.Update(t.Context(), w.Key(), s.now, rename("other")); err == nil {
		t.Error("Update: no error")
	}
	if _, err := reader.Create(t.Context(), webhooktest.Webhook(tenant), s.now); err == nil {
		t.Error("Create: no error")
	}
	if d := diff(w, s.get(t, w.Key())); d != "" {
		t.Errorf("the webhook changed (-want +got):\n%s", d)
	}
}

func TestANewKMSKeyGetsANewDataKey(t *testing.T) {
	t.Parallel()
	s := setupSealing(t)
	first, second := s.create(t), s.create(t)
	old := s.dataKey(t, first.ID)

	moved := s.with(cloudtest.Key(t))
	if _, err := moved.Update(t.Context(), first.Key(), s.now, rename("other")); err != nil {
		t.Fatal(err)
	}
	third, err := moved.Create(t.Context(), webhooktest.Webhook(tenant), s.now)
	if err != nil {
		t.Fatal(err)
	}
	if s.dataKey(t, first.ID) == old || s.dataKey(t, second.ID) != old || s.dataKey(t, third.ID) != s.dataKey(t, first.ID) {
		t.Error("want the written webhooks under the new data key, and the other one under the old")
	}
	found, unreadable := s.with(vault.DecryptOnly).GetMany(t.Context(), []webhook.Key{first.Key(), second.Key(), third.Key()}, s.now)
	if len(unreadable) != 0 {
		t.Fatal(unreadable)
	}
	for _, w := range found {
		if w.Secret != webhooktest.Secret {
			t.Errorf("webhook %d has the secret %q", w.ID, w.Secret)
		}
	}
	if s.kms.Calls("GenerateDataKey") != 2 {
		t.Errorf("%d data keys, want 2", s.kms.Calls("GenerateDataKey"))
	}
}

func TestGetManyCallsKMSOncePerTenant(t *testing.T) {
	t.Parallel()
	s := setupSealing(t)
	keys := s.batch(t, "acme", "globex")
	before := s.kms.Calls("Decrypt")
	cold := s.with(vault.DecryptOnly)
	for range 2 {
		found, unreadable := cold.GetMany(t.Context(), keys, s.now)
		if len(unreadable) != 0 || len(found) != len(keys) {
			t.Fatalf("%d of %d, %v", len(found), len(keys), unreadable)
		}
	}
	if got := s.kms.Calls("Decrypt") - before; got != 2 {
		t.Errorf("%d calls for two tenants, want two", got)
	}
}

// batch creates five webhooks for each tenant.
func (s sealing) batch(t *testing.T, tenants ...string) []webhook.Key {
	t.Helper()
	var keys []webhook.Key
	for _, of := range tenants {
		for range 5 {
			w, err := s.Create(t.Context(), webhooktest.Webhook(of), s.now)
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, w.Key())
		}
	}
	return keys
}

func TestGetManyReturnsAnErrorPerWebhook(t *testing.T) {
	t.Parallel()
	s := setupSealing(t)
	keys := s.batch(t, tenant, "globex", "initech")
	unknown, untyped, disabled := keys[0], keys[1], keys[5]
	s.set(t, unknown.ID, "secret", &types.AttributeValueMemberS{Value: "kms2:c2VjcmV0"})
	s.set(t, untyped.ID, "enabled", &types.AttributeValueMemberS{Value: "yes"})
	if _, err := s.Disable(t.Context(), disabled, 1, s.now); err != nil {
		t.Fatal(err)
	}
	s.stopKMS(func(tenantID string) bool { return tenantID == "globex" })

	found, unreadable := s.with(vault.DecryptOnly).GetMany(t.Context(), append(keys, webhook.Key{TenantID: "globex", ID: 99}), s.now)
	for _, key := range keys {
		w, ok := found[key]
		switch {
		case key == unknown || key == untyped:
			if ok || unreadable[key] == nil || strings.Contains(fmt.Sprint(unreadable[key]), "c2VjcmV0") {
				t.Errorf("%v: %v, want its own error, without the secret", key, unreadable[key])
			}
		case key == disabled:
			if !ok || unreadable[key] != nil || w.Secret != "" {
				t.Errorf("%v: %v, want it without secrets", key, unreadable[key])
			}
		case key.TenantID == "globex":
			if ok || !apperr.Is(unreadable[key], apperr.TemporarilyUnavailable) {
				t.Errorf("%v: %v, want temporarily unavailable", key, unreadable[key])
			}
		case !ok || w.Secret != webhooktest.Secret || unreadable[key] != nil:
			t.Errorf("%v: %q, %v, want it despite the errors of others", key, w.Secret, unreadable[key])
		}
	}
}

func TestKMSIsDown(t *testing.T) {
	t.Parallel()
	s := setupSealing(t)
	w := s.create(t)
	s.stopKMS(func(string) bool { return true })
	cold := s.with(s.arn)

	for name, call := range map[string]func() error{
		"get":    func() error { _, err := cold.GetWithSecrets(t.Context(), w.Key(), s.now); return err },
		"update": func() error { _, err := cold.Update(t.Context(), w.Key(), s.now, rename("other")); return err },
		"create": func() error { _, err := cold.Create(t.Context(), webhooktest.Webhook(tenant), s.now); return err },
		"create the tenant's first": func() error {
			_, err := cold.Create(t.Context(), webhooktest.Webhook("globex"), s.now)
			return err
		},
	} {
		if err := call(); !apperr.Is(err, apperr.TemporarilyUnavailable) {
			t.Errorf("%s: error = %v, want temporarily unavailable", name, err)
		}
	}
	calls := s.kms.Calls("Decrypt", "GenerateDataKey")
	_, err := cold.Get(t.Context(), w.Key())
	list, listErr := s.withoutVault().List(t.Context(), tenant)
	indexes, indexErr := webhooktest.Indexes(t.Context(), s.client, s.withoutVault(), tenant)
	if err = errors.Join(err, listErr, indexErr); err != nil || len(list) != 1 || list[0].Secret != "" || len(indexes[tenant]) != 1 {
		t.Errorf("reads without secrets: %v", err)
	}
	disabled, err := cold.Disable(t.Context(), w.Key(), w.Revision, s.now)
	if err = errors.Join(err, cold.Delete(t.Context(), w.Key())); err != nil || !disabled {
		t.Errorf("disable and delete: %v, %v", disabled, err)
	}
	if got := s.kms.Calls("Decrypt", "GenerateDataKey"); got != calls {
		t.Errorf("%d KMS calls by operations that need no secret", got-calls)
	}
}

func TestTheNextWriteRemovesExpiredSecrets(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(sealing, webhook.Key) error{
		"an update": func(s sealing, key webhook.Key) error {
			_, err := s.Update(t.Context(), key, s.now, rename("other"))
			return err
		},
		"a disable": func(s sealing, key webhook.Key) error {
			_, err := s.Disable(t.Context(), key, 3, s.now)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setupSealing(t)
			w := s.create(t)
			for i, overlap := range []time.Duration{time.Hour, 2 * time.Hour} {
				if _, err := s.Update(t.Context(), w.Key(), s.now, rotate(fmt.Sprint("new-secret-", i), overlap, s.now)); err != nil {
					t.Fatal(err)
				}
			}
			s.now = s.now.Add(time.Hour)
			if got := s.get(t, w.Key()).PreviousSecrets; len(got) != 1 || got[0].Secret != "new-secret-0" {
				t.Errorf("previous secrets = %v, want the one that has not expired", got)
			}
			if err := write(s, w.Key()); err != nil {
				t.Fatal(err)
			}
			if list := s.raw(t, w.ID)["previous_secrets"].(*types.AttributeValueMemberL); len(list.Value) != 1 {
				t.Errorf("%d secrets are stored, want the one that has not expired", len(list.Value))
			}
			s.now = s.now.Add(time.Hour)
			if got := s.get(t, w.Key()); len(got.PreviousSecrets) != 0 || got.Secret != "new-secret-1" {
				t.Errorf("%q and %v, want only the current secret", got.Secret, got.PreviousSecrets)
			}
		})
	}
}
