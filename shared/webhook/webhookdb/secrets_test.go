package webhookdb_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"golang.org/x/sync/errgroup"

	"webhooks/shared/apperr"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/faulttest"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/vault"
	"webhooks/shared/webhook/webhookdb"
)

// sealing is a bundle whose store encrypts.
type sealing struct {
	bundle
	kms *faulttest.Faults // between vaults and KMS
	arn string
	// vaultKMS makes its calls through kms.
	vaultKMS *kms.Client
}

func setupSealing(t *testing.T) sealing {
	t.Helper()
	s := sealing{bundle: setup(t), kms: new(faulttest.Faults), arn: cloudtest.Key(t)}
	s.vaultKMS = kms.NewFromConfig(s.kms.Config(cloudtest.Config(t)))
	s.Store = s.with(s.arn)
	return s
}

// with returns the store of a new execution environment, whose vault has an empty
// cache.
func (s sealing) with(keyARN string) *webhookdb.Store {
	return webhookdb.New(s.faulty, s.table, webhookdb.WithVault(vault.New(s.vaultKMS, keyARN)),
		webhookdb.WithPause(func(ctx context.Context, _ int) error { return ctx.Err() }))
}

// stopKMS makes KMS fail for the tenants that down reports.
func (s sealing) stopKMS(down func(tenantID string) bool) {
	check := func(encryptionContext map[string]string) error {
		if down(encryptionContext["tenant_id"]) {
			return errors.New("KMS is down")
		}
		return nil
	}
	faulttest.On(s.kms, func(in *kms.DecryptInput) (*kms.DecryptOutput, error) { return nil, check(in.EncryptionContext) })
	faulttest.On(s.kms, func(in *kms.GenerateDataKeyInput) (*kms.GenerateDataKeyOutput, error) {
		return nil, check(in.EncryptionContext)
	})
}

// withoutVault returns a store that writes plain text.
func (s sealing) withoutVault() *webhookdb.Store { return webhookdb.New(s.faulty, s.table) }

// dump returns the text of all items of the table.
func (s sealing) dump(t *testing.T) string {
	t.Helper()
	out, err := s.client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &s.table})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, stored := range out.Items {
		show(&text, &types.AttributeValueMemberM{Value: stored})
	}
	return text.String()
}

func show(text *strings.Builder, value types.AttributeValue) {
	switch v := value.(type) {
	case *types.AttributeValueMemberM:
		for name, inner := range v.Value {
			fmt.Fprint(text, name, "=")
			show(text, inner)
		}
	case *types.AttributeValueMemberL:
		for _, inner := range v.Value {
			show(text, inner)
		}
	case *types.AttributeValueMemberS:
		fmt.Fprintln(text, v.Value)
	case *types.AttributeValueMemberB:
		fmt.Fprintf(text, "%s\n", v.Value)
	case *types.AttributeValueMemberN:
		fmt.Fprintln(text, v.Value)
	}
}

func rotate(secret string, overlap time.Duration, now time.Time) func(webhook.Webhook) (webhook.Webhook, error) {
	return func(w webhook.Webhook) (webhook.Webhook, error) {
		return webhook.Rotation{Secret: secret, Overlap: overlap}.Apply(w, now)
	}
}

func TestTheTableNeverShowsASecret(t *testing.T) {
	t.Parallel()
	s := setupSealing(t)
	w := s.create(t, func(w *webhook.Webhook) { w.Secret = "MARKED-one" })
	for _, secret := range []string{"MARKED-two", "MARKED-three"} {
		if _, err := s.Update(t.Context(), w.Key(), s.now, rotate(secret, time.Hour, s.now)); err != nil {
			t.Fatal(err)
		}
	}
	if text := s.dump(t); strings.Contains(text, "MARKED") || strings.Count(text, "aes-256-gcm:") != 3 {
		t.Errorf("the table shows:\n%s", text)
	}
	got := s.get(t, w.Key())
	previous := []webhook.PreviousSecret{
		{Secret: "MARKED-two", ExpiresAt: w.CreatedAt.Add(time.Hour)},
		{Secret: "MARKED-one", ExpiresAt: w.CreatedAt.Add(time.Hour)},
	}
	if d := diff(previous, got.PreviousSecrets); d != "" || got.Secret != "MARKED-three" {
		t.Errorf("read back %q and (-want +got):\n%s", got.Secret, d)
	}
}

func TestATenantHasOneDataKey(t *testing.T) {
	t.Parallel()
	s := setupSealing(t)
	for range 5 {
		s.create(t)
	}
	if _, err := s.with(s.arn).Create(t.Context(), webhooktest.Webhook(tenant), s.now); err != nil {
		t.Fatal(err)
	}
	if g, d := s.kms.Calls("GenerateDataKey"), s.kms.Calls("Decrypt"); g != 1 || d != 1 {
		t.Errorf("%d data keys generated, %d decrypted; want one of each, by the first and the second environment", g, d)
	}
}

func TestConcurrentWritersShareADataKey(t *testing.T) {
	t.Parallel()
	s := setupSealing(t)
	var group errgroup.Group
	const writers = 6
	for range writers {
		group.Go(func() error {
			store := webhookdb.New(s.client, s.table, webhookdb.WithVault(vault.New(s.vaultKMS, s.arn)))
			_, err := store.Create(t.Context(), webhooktest.Webhook(tenant), s.now)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	dataKeys := map[string]bool{}
	for id := int64(1); id <= writers; id++ {
		dataKeys[string(s.raw(t, id)["data_key"].(*types.AttributeValueMemberB).Value)] = true
	}
	if len(dataKeys) != 1 {
		t.Errorf("%d data keys, want one", len(dataKeys))
	}
}

// A secret that was swapped or altered in the table must not sign.
func TestACiphertextOpensOnlyForItsWebhook(t *testing.T) {
	t.Parallel()
	s := setupSealing(t)
	one, two := s.create(t), s.create(t)
	foreign, err := s.Create(t.Context(), webhooktest.Webhook("globex"), s.now)
	if err != nil {
		t.Fatal(err)
	}
	ofOne, ofTwo := s.raw(t, one.ID), s.raw(t, two.ID)
	out, err := s.client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &s.table})
	if err != nil {
		t.Fatal(err)
	}
	var ofForeign map[string]types.AttributeValue
	for _, stored := range out.Items {
		if stored["tenant_id"].(*types.AttributeValueMemberS).Value == foreign.TenantID && stored["secret"] != nil {
			ofForeign = stored
		}
	}
	text := ofOne["secret"].(*types.AttributeValueMemberS).Value
	altered := text[:len(text)-6] + strings.Map(func(r rune) rune {
		if r == 'A' {
			return 'B'
		}
		return 'A'
	}, text[len(text)-6:len(text)-4]) + text[len(text)-4:]
	for _, tt := range []struct {
		name   string
		secret types.AttributeValue
		key    types.AttributeValue
	}{
		{name: "of another webhook", secret: ofTwo["secret"]},
		{name: "of another tenant", secret: ofForeign["secret"]},
		{name: "of another tenant with its data key", secret: ofForeign["secret"], key: ofForeign["data_key"]},
		{name: "altered", secret: &types.AttributeValueMemberS{Value: altered}},
		{name: "truncated", secret: &types.AttributeValueMemberS{Value: "aes-256-gcm:AAAA"}},
		{name: "without base64", secret: &types.AttributeValueMemberS{Value: "aes-256-gcm:!"}},
		{name: "without its data key", secret: ofOne["secret"], key: &types.AttributeValueMemberB{Value: []byte("none")}},
	} {
		s.set(t, one.ID, "secret", tt.secret)
		s.set(t, one.ID, "data_key", ofOne["data_key"])
		if tt.key != nil {
			s.set(t, one.ID, "data_key", tt.key)
		}
		for _, store := range []*webhookdb.Store{s.Store, s.with(s.arn)} {
			w, err := store.GetWithSecrets(t.Context(), one.Key(), s.now)
			if err == nil || w.Secret != "" || apperr.From(err).Reason != apperr.InternalError {
				t.Errorf("%s: %q, %v, want an internal error", tt.name, w.Secret, err)
			}
		}
	}
}
