package stored_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"webhooks/shared/attemptlog/attemptlogdb"
	"webhooks/shared/auth/apikeydb"
	"webhooks/shared/auth/jwksdb"
	"webhooks/shared/delivery/retrydb"
	"webhooks/shared/event"
	"webhooks/shared/event/eventdb"
	"webhooks/shared/event/limitdb"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/faulttest"
	"webhooks/shared/webhook/vault"
	"webhooks/shared/webhook/webhookdb"
)

const (
	retention = 30 * 24 * time.Hour
	kmsKey    = "arn:aws:kms:us-east-1:000000000000:key/00000000-0000-0000-0000-000000000000"
	jwksURL   = "https://idp.example.com/jwks.json"
)

// now is the time of every write.
var now = time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC)

// cloud is empty tables, created at their first use, and a KMS whose one data key is
// known: a committed secret must decrypt on every machine.
type cloud struct {
	t    *testing.T
	db   *dynamodb.Client
	kms  *kms.Client
	made map[string]string
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	cfg := cloudtest.Config(t)
	var faults faulttest.Faults
	wrapped, plain := []byte("the encrypted data key of tenant acme"), []byte("the data key with its 32 bytes..")
	faulttest.On(&faults, func(*kms.GenerateDataKeyInput) (*kms.GenerateDataKeyOutput, error) {
		return &kms.GenerateDataKeyOutput{CiphertextBlob: wrapped, Plaintext: append([]byte(nil), plain...)}, nil
	})
	faulttest.On(&faults, func(in *kms.DecryptInput) (*kms.DecryptOutput, error) {
		if string(in.CiphertextBlob) != string(wrapped) || in.EncryptionContext["tenant_id"] != "acme" {
			return nil, errors.New("this is not the data key of tenant acme")
		}
		return &kms.DecryptOutput{Plaintext: append([]byte(nil), plain...)}, nil
	})
	return &cloud{t: t, db: dynamodb.NewFromConfig(cfg), kms: kms.NewFromConfig(faults.Config(cfg)), made: map[string]string{}}
}

func (c *cloud) table(logicalID string) string {
	if c.made[logicalID] == "" {
		c.made[logicalID] = cloudtest.Table(c.t, logicalID)
	}
	return c.made[logicalID]
}

func (c *cloud) webhooks() *webhookdb.Store { return c.webhooksUnder(kmsKey) }

func (c *cloud) webhooksUnder(keyARN string, options ...webhookdb.Option) *webhookdb.Store {
	options = append(options, webhookdb.WithVault(vault.New(c.kms, keyARN)))
	return webhookdb.New(c.db, c.table("WebhooksTable"), options...)
}

func (c *cloud) events() *eventdb.Store { return eventdb.New(c.db, c.table("EventsTable"), retention) }

func (c *cloud) limits() *limitdb.Store {
	return limitdb.New(c.db, c.table("EventsTable"), event.Limit{Rate: 1, Burst: 40})
}

func (c *cloud) logs() *attemptlogdb.Store {
	return attemptlogdb.New(c.db, c.table("LogsTable"), retention)
}

func (c *cloud) retries() *retrydb.Store { return retrydb.New(c.db, c.table("RetriesTable")) }

func (c *cloud) keys() *apikeydb.Store { return apikeydb.New(c.db, c.table("KeysTable")) }

func (c *cloud) jwks() *jwksdb.Store { return jwksdb.New(c.db, c.table("KeysTable"), jwksURL) }
