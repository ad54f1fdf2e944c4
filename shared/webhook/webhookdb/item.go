package webhookdb

import (
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/event"
	"webhooks/shared/webhook"
)

// webhookFormat is the number of the form in which webhooks are stored.
const webhookFormat = 1

// item is an item as DynamoDB returns it.
type item = map[string]types.AttributeValue

// The attributes that expressions name.
const (
	tenantID  = "tenant_id"
	webhookID = "webhook_id"
	createdAt = "created_at"
	revision  = "revision"
	address   = "address"
	rateLimit = "rate_limit"
	dataKey   = "data_key"
	kmsKey    = "kms_key"
	lastID    = "last_id"
	count     = "count"
	index     = "index"
)

func itemKey(key webhook.Key) item {
	return item{
		tenantID:  &types.AttributeValueMemberS{Value: key.TenantID},
		webhookID: &types.AttributeValueMemberN{Value: strconv.FormatInt(key.ID, 10)},
	}
}

// record is a webhook's item, without the attributes that health.go and pace.go write.
type record struct {
	TenantID  string `dynamodbav:"tenant_id"`
	WebhookID int64  `dynamodbav:"webhook_id"`
	Format    int    `dynamodbav:"format"` // webhookFormat
	Name      string `dynamodbav:"name"`
	URL       string `dynamodbav:"url"`
	secrets
	Events    []event.Type `dynamodbav:"events"`
	Enabled   bool         `dynamodbav:"enabled"`
	RateLimit float64      `dynamodbav:"rate_limit,omitempty"`
	CreatedAt time.Time    `dynamodbav:"created_at"`
	UpdatedAt time.Time    `dynamodbav:"updated_at"`
	Revision  int64        `dynamodbav:"revision"`
	Address   int64        `dynamodbav:"address"`
	// Health and NextSlot are read with the webhook and written separately: see health.go
	// and pace.go.
	Health   webhook.Health `dynamodbav:"-"`
	NextSlot time.Time      `dynamodbav:"-"`
}

// secrets are a webhook's secrets as they are stored: see seal and openSecrets.
type secrets struct {
	DataKey  []byte           `dynamodbav:"data_key,omitempty"` // encrypted by KMS; none for plain text
	Current  string           `dynamodbav:"secret"`
	Previous []previousSecret `dynamodbav:"previous_secrets"` // never nil, which would be stored as NULL
}

type previousSecret struct {
	Secret    string    `dynamodbav:"secret"`
	ExpiresAt time.Time `dynamodbav:"expires_at"`
}

// key returns the id of the webhook.
func (r record) key() webhook.Key { return webhook.Key{TenantID: r.TenantID, ID: r.WebhookID} }

// webhook returns the webhook without its secrets.
func (r record) webhook() webhook.Webhook {
	return webhook.Webhook{
		TenantID:  r.TenantID,
		ID:        r.WebhookID,
		Name:      r.Name,
		URL:       r.URL,
		Events:    r.Events,
		Enabled:   r.Enabled,
		RateLimit: r.RateLimit,
		NextSlot:  r.NextSlot,
		CreatedAt: r.CreatedAt,
		UpdatedAt: r.UpdatedAt,
		Revision:  r.Revision,
		Address:   r.Address,
		Health:    r.Health,
	}
}

func (r record) encode() (item, error) {
	encoded, err := attributevalue.MarshalMap(r)
	if err != nil {
		return nil, fmt.Errorf("encode webhook %d: %w", r.WebhookID, err)
	}
	return encoded, nil
}

func decodeRecord(stored item) (record, error) {
	var r record
	if err := attributevalue.UnmarshalMap(stored, &r); err != nil {
		return record{}, fmt.Errorf("decode a webhook: %w", err)
	}
	var err error
	if r.Health, err = decodeHealth(stored); err != nil {
		return record{}, err
	}
	r.NextSlot, err = decodeNextSlot(stored)
	return r, err
}

// decodeKey returns the key of an item. It succeeds for any item of the table,
// even if the rest of the item cannot be decoded.
func decodeKey(stored item) (webhook.Key, error) {
	var key struct {
		TenantID  string `dynamodbav:"tenant_id"`
		WebhookID int64  `dynamodbav:"webhook_id"`
	}
	if err := attributevalue.UnmarshalMap(stored, &key); err != nil {
		return webhook.Key{}, fmt.Errorf("decode the key of a webhook: %w", err)
	}
	return webhook.Key{TenantID: key.TenantID, ID: key.WebhookID}, nil
}
