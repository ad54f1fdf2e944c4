// Package vault guards what the secrets of webhooks are encrypted with.
//
// It is envelope encryption: a secret is sealed with AES-256-GCM under a data
// key of its tenant, and the data key is stored beside it, encrypted by a key
// that never leaves AWS KMS. Who can read the table, a backup or an export
// cannot sign. Data keys are kept in memory for a while, so that a delivery
// does not wait for KMS and a month of deliveries does not pay for it:
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
	// MaxAge is how long a data key is used without asking KMS again, and so how
	// long an execution environment goes on signing after its KMS key was
	// disabled. Shorter is dearer: each active tenant is a call per environment
	// and MaxAge.
	MaxAge = time.Hour
	// MaxKeys is how many data keys are kept, about 1 KB each.
	MaxKeys = 1000
	// CallTimeout bounds one answer of KMS, the SDK's own repeats included. KMS
	// answers in milliseconds; when it hangs, the deliveries of other tenants in
	// the batch wait no longer than this.
	CallTimeout = 3 * time.Second
)

// What stands in the place of a KMS key's ARN when there is none.
const (
	// Off says that secrets are stored as they are.
	Off = "off"
	// DecryptOnly says that a function never stores a secret.
	DecryptOnly = ""
)

// KMS is what a vault needs of AWS KMS, of which [kms.Client] is one.
type KMS interface {
	GenerateDataKey(context.Context, *kms.GenerateDataKeyInput, ...func(*kms.Options)) (*kms.GenerateDataKeyOutput, error)
	Decrypt(context.Context, *kms.DecryptInput, ...func(*kms.Options)) (*kms.DecryptOutput, error)
}

// Vault makes and opens data keys. It is safe for concurrent use.
type Vault struct {
	client  KMS
	keyARN  string
	keys    *cache
	flights singleflight.Group
}

// Option changes the clock or the limits of a Vault.
type Option func(*Vault)

// WithClock replaces [time.Now], by which data keys age.
func WithClock(now func() time.Time) Option { return func(v *Vault) { v.keys.now = now } }

// WithLimits replaces [MaxKeys] and [MaxAge].
func WithLimits(keys int, age time.Duration) Option {
	return func(v *Vault) { v.keys.maxKeys, v.keys.maxAge = keys, age }
}

// New returns a vault whose new data keys are guarded by the KMS key keyARN. One
// that is [Off] or [DecryptOnly] makes none. Each opens every data key that its
// role may decrypt.
func New(client KMS, keyARN string, options ...Option) *Vault {
	v := &Vault{client: client, keyARN: keyARN, keys: &cache{now: time.Now, maxKeys: MaxKeys, maxAge: MaxAge}}
	for _, option := range options {
		option(v)
	}
	return v
}

// FromConfig returns a vault in AWS KMS as cfg reaches it.
func FromConfig(cfg aws.Config, keyARN string) *Vault {
	return New(kms.NewFromConfig(cfg), keyARN)
}

// KeyARN names the KMS key that guards new data keys; it may be [Off] or
// [DecryptOnly].
func (v *Vault) KeyARN() string { return v.keyARN }

// NewDataKey makes a data key for a tenant. It returns TemporarilyUnavailable when
// KMS cannot be reached or refuses.
func (v *Vault) NewDataKey(ctx context.Context, tenantID string) (*DataKey, error) {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	since := v.keys.now()
	out, err := v.client.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
		KeyId: &v.keyARN, KeySpec: types.DataKeySpecAes256, EncryptionContext: encryptionContext(tenantID),
	})
	if err != nil {
		return nil, failed(err, "make a data key for tenant "+tenantID)
	}
	key, err := newDataKey(out.CiphertextBlob, out.Plaintext)
	if err != nil {
		return nil, err
	}
	v.keys.put(name{tenantID, string(out.CiphertextBlob)}, key, since)
	return key, nil
}

// DataKey opens a tenant's data key, whose encrypted form is wrapped. Concurrent
// calls for one key share one answer of KMS. It returns TemporarilyUnavailable
// when KMS cannot be reached or refuses, and an internal error for a key that
// is not this tenant's or was tampered with.
func (v *Vault) DataKey(ctx context.Context, tenantID string, wrapped []byte) (*DataKey, error) {
	if key := v.keys.get(tenantID, wrapped); key != nil {
		return key, nil
	}
	// No tenant has a zero byte in its id.
	flight := v.flights.DoChan(tenantID+"\x00"+string(wrapped), func() (any, error) {
		// It may have come in since we looked.
		if key := v.keys.get(tenantID, wrapped); key != nil {
			return key, nil
		}
		// The end of one caller must not fail the others who wait for its call.
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
	// The age counts from before the call: an answer that was long on its way
	// is as old as its question.
	since := v.keys.now()
	out, err := v.client.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: wrapped, EncryptionContext: encryptionContext(tenantID)})
	if err != nil {
		return nil, failed(err, "open a data key of tenant "+tenantID)
	}
	key, err := newDataKey(wrapped, out.Plaintext)
	if err != nil {
		return nil, err
	}
	v.keys.put(name{tenantID, string(wrapped)}, key, since)
	return key, nil
}

// encryptionContext is bound into an encrypted data key: KMS opens it for this
// tenant and this purpose only, and writes both into CloudTrail.
// https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
func encryptionContext(tenantID string) map[string]string {
	return map[string]string{"purpose": "webhook-secrets", "tenant_id": tenantID}
}

// newDataKey takes plain over and leaves zeroes in it.
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

// failed says what err broke. A key that KMS does not recognise is not ours to
// wait for; everything else passes or is put right by an operator (a role, a
// disabled key), and the caller may try again.
func failed(err error, what string) error {
	err = fmt.Errorf("%s: %w", what, err)
	var invalid *types.InvalidCiphertextException
	if errors.As(err, &invalid) {
		return err
	}
	return apperr.Wrap(err, apperr.TemporarilyUnavailable)
}
