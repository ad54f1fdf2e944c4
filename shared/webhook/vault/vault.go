// Package vault encrypts the secrets of webhooks with AWS KMS.
//
// It uses envelope encryption: AES-256-GCM encrypts a secret under a data key of
// its tenant. The data key is stored with the secret, encrypted under a KMS key
// that never leaves KMS. Read access to the table, a backup or an export is not
// enough to sign. Data keys are cached in memory, so most deliveries neither
// wait nor pay for a KMS call.
// https://docs.aws.amazon.com/kms/latest/developerguide/kms-cryptography.html
package vault

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"golang.org/x/sync/singleflight"

	"webhooks/shared/apperr"
)

// Limits of a [Vault].
const (
	// MaxAge is how long a data key stays in the cache, and so how long an
	// execution environment keeps signing after the KMS key was disabled. A shorter
	// time costs more: every environment calls KMS once per active tenant and
	// MaxAge.
	MaxAge = time.Hour
	// MaxKeys is the capacity of the cache. A data key takes about 1 KB.
	MaxKeys = 1000
	// CallTimeout limits one KMS call, the SDK's retries included. KMS answers in
	// milliseconds; if it hangs, the deliveries of other tenants in the batch wait
	// no longer than this.
	CallTimeout = 3 * time.Second
)

// The values of a vault's key ARN that name no KMS key.
const (
	// Off turns encryption off: secrets are stored as plain text.
	Off = "off"
	// DecryptOnly is for functions that read secrets and never store one.
	DecryptOnly = ""
)

// KMS is the part of [kms.Client] that a [Vault] calls.
type KMS interface {
	GenerateDataKey(context.Context, *kms.GenerateDataKeyInput, ...func(*kms.Options)) (*kms.GenerateDataKeyOutput, error)
	Decrypt(context.Context, *kms.DecryptInput, ...func(*kms.Options)) (*kms.DecryptOutput, error)
}

// Vault generates and decrypts data keys. It is safe for concurrent use.
type Vault struct {
	client  KMS
	keyARN  string
	keys    *cache
	flights singleflight.Group
}

// New returns a vault whose new data keys are encrypted under the KMS key keyARN.
// With [Off] or [DecryptOnly] as keyARN the vault generates no data keys. Every vault
// decrypts the data keys that the function's role permits.
func New(client KMS, keyARN string) *Vault {
	return &Vault{client: client, keyARN: keyARN, keys: &cache{now: time.Now, maxKeys: MaxKeys}}
}

// FromConfig returns a vault that calls KMS with cfg.
func FromConfig(cfg aws.Config, keyARN string) *Vault {
	return New(kms.NewFromConfig(cfg), keyARN)
}

// KeyARN returns the ARN of the KMS key for new data keys, [Off] or
// [DecryptOnly].
func (v *Vault) KeyARN() string { return v.keyARN }

// NewDataKey generates a data key for a tenant. It returns TemporarilyUnavailable
// if KMS cannot be reached or refuses the call.
func (v *Vault) NewDataKey(ctx context.Context, tenantID string) (*DataKey, error) {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	since := v.keys.now()
	out, err := v.client.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
		KeyId: &v.keyARN, KeySpec: types.DataKeySpecAes256, EncryptionContext: encryptionContext(tenantID),
	})
	if err != nil {
		return nil, classify(err, "generate a data key for tenant "+tenantID)
	}
	key, err := newDataKey(out.CiphertextBlob, out.Plaintext)
	if err != nil {
		return nil, err
	}
	v.keys.put(name{tenantID, string(out.CiphertextBlob)}, key, since)
	return key, nil
}

// DataKey decrypts wrapped, a data key of a tenant, unless the cache holds it.
// Concurrent calls for one key share one KMS call. It returns
// TemporarilyUnavailable if KMS cannot be reached or refuses the call, and an
// internal error if the key belongs to another tenant or was altered.
func (v *Vault) DataKey(ctx context.Context, tenantID string, wrapped []byte) (*DataKey, error) {
	if key := v.keys.get(tenantID, wrapped); key != nil {
		return key, nil
	}
	// Tenant ids contain no zero byte.
	flight := v.flights.DoChan(tenantID+"\x00"+string(wrapped), func() (any, error) {
		// Another call may have cached the key since the first look-up.
		if key := v.keys.get(tenantID, wrapped); key != nil {
			return key, nil
		}
		// A canceled caller must not fail the callers that share its KMS call.
		return v.decrypt(context.WithoutCancel(ctx), tenantID, wrapped)
	})
	select {
	case <-ctx.Done():
		return nil, apperr.Wrap(ctx.Err(), apperr.TemporarilyUnavailable)
	case result := <-flight:
		if result.Err != nil {
			return nil, result.Err
		}
		return result.Val.(*DataKey), nil
	}
}

func (v *Vault) decrypt(ctx context.Context, tenantID string, wrapped []byte) (*DataKey, error) {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	// The age counts from before the call, so a slow response extends no key's use.
	since := v.keys.now()
	out, err := v.client.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: wrapped, EncryptionContext: encryptionContext(tenantID)})
	if err != nil {
		return nil, classify(err, "decrypt a data key of tenant "+tenantID)
	}
	key, err := newDataKey(wrapped, out.Plaintext)
	if err != nil {
		return nil, err
	}
	v.keys.put(name{tenantID, string(wrapped)}, key, since)
	return key, nil
}

// encryptionContext binds a data key to its tenant and purpose: KMS decrypts the
// key only for both, and logs them in CloudTrail.
// https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
func encryptionContext(tenantID string) map[string]string {
	return map[string]string{"purpose": "webhook-secrets", "tenant_id": tenantID}
}

// newDataKey returns the data key of plain, and overwrites plain with zeros.
func newDataKey(wrapped, plain []byte) (*DataKey, error) {
	defer clear(plain)
	block, err := aes.NewCipher(plain)
	if err != nil {
		return nil, fmt.Errorf("data key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("data key: %w", err)
	}
	return &DataKey{wrapped: wrapped, aead: aead}, nil
}

// classify makes an error of KMS TemporarilyUnavailable: it passes, or an operator
// fixes its cause (a role, a disabled key). The exception is a ciphertext that
// KMS does not recognise, which stays an internal error.
func classify(err error, what string) error {
	err = fmt.Errorf("%s: %w", what, err)
	var invalid *types.InvalidCiphertextException
	if errors.As(err, &invalid) {
		return err
	}
	return apperr.Wrap(err, apperr.TemporarilyUnavailable)
}
