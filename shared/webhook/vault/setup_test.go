package vault_test

import (
	"bytes"
	"context"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/faulttest"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/vault"
)

const tenant = "acme"

func owner() webhook.Key { return webhook.Key{TenantID: tenant, ID: 7} }

// bundle is a vault with its own KMS key.
type bundle struct {
	*vault.Vault
	kms    *kms.Client
	faults *faulttest.Faults // between the vault and KMS
	arn    string
}

func setup(t *testing.T) bundle {
	t.Helper()
	b := bundle{faults: new(faulttest.Faults), arn: cloudtest.Key(t)}
	b.kms = kms.NewFromConfig(b.faults.Config(cloudtest.Config(t)))
	b.Vault = vault.New(b.kms, b.arn)
	return b
}

// other returns the vault of another execution environment, with an empty cache.
func (b bundle) other() *vault.Vault { return vault.New(b.kms, vault.DecryptOnly) }

func (b bundle) newKey(t *testing.T, tenantID string) *vault.DataKey {
	t.Helper()
	key, err := b.NewDataKey(t.Context(), tenantID)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// fail makes every KMS call fail with err.
func (b bundle) fail(err error) {
	b.faults.Fail("Decrypt", err)
	b.faults.Fail("GenerateDataKey", err)
}

// stub is a KMS without a network, for tests in a synctest bubble. A data key is
// the first byte of its encrypted form, 32 times. Decrypt waits for release.
type stub struct {
	vault.KMS
	calls   atomic.Int32
	release chan struct{} // nil: Decrypt does not wait
}

func (s *stub) Decrypt(ctx context.Context, in *kms.DecryptInput, _ ...func(*kms.Options)) (*kms.DecryptOutput, error) {
	s.calls.Add(1)
	if s.release != nil {
		select {
		case <-s.release:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return &kms.DecryptOutput{Plaintext: bytes.Repeat(in.CiphertextBlob[:1], 32)}, nil
}
