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

// item is an item as DynamoDB holds it.
type item = map[string]types.AttributeValue

// The attributes that expressions name.
const (
	tenantID  = "tenant_id"
	webhookID = "webhook_id"
	createdAt = "created_at"
	revision  = "revision"
	testedAt  = "tested_at"
	dataKey   = "data_key"
	lastID    = "last_id"
	count     = "count"
	index     = "index"
)

// tenantItem is the id of the item about the tenant itself; webhooks count from 1.
const tenantItem = 0

func itemKey(key webhook.Key) item {
	return item{
		tenantID:  &types.AttributeValueMemberS{Value: key.TenantID},
		webhookID: &types.AttributeValueMemberN{Value: strconv.FormatInt(key.ID, 10)},
	}
}

// record is a webhook's item. Other attributes of it (tested_at, those of
// health.go) belong to those who write them.
type record struct {
	TenantID        string           `dynamodbav:"tenant_id"`
	WebhookID       int64            `dynamodbav:"webhook_id"`
	Name            string           `dynamodbav:"name"`
	URL             string           `dynamodbav:"url"`
	DataKey         []byte           `dynamodbav:"data_key,omitempty"` // of the secrets, encrypted by KMS
	Secret          string           `dynamodbav:"secret"`
	PreviousSecrets []previousSecret `dynamodbav:"previous_secrets"`
	Events          []event.Type     `dynamodbav:"events"`
	Enabled         bool             `dynamodbav:"enabled"`
	CreatedAt       time.Time        `dynamodbav:"created_at"`
	UpdatedAt       time.Time        `dynamodbav:"updated_at"`
	Revision        int64            `dynamodbav:"revision"`
	// Health is read with the webhook and written on its own: see health.go.
	Health webhook.Health `dynamodbav:"-"`
}

type previousSecret struct {
	Secret    string    `dynamodbav:"secret"`
	ExpiresAt time.Time `dynamodbav:"expires_at"`
}

// newRecord returns the record of w without its secrets.
func newRecord(w webhook.Webhook) record {
	return record{
		TenantID:        w.TenantID,
		WebhookID:       w.ID,
		Name:            w.Name,
		URL:             w.URL,
		PreviousSecrets: make([]previousSecret, 0, len(w.PreviousSecrets)), // nil would be stored as NULL
		Events:          w.Events,
		Enabled:         w.Enabled,
		CreatedAt:       w.CreatedAt,
		UpdatedAt:       w.UpdatedAt,
		Revision:        w.Revision,
	}
}

// key returns the name of the webhook.
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
		CreatedAt: r.CreatedAt,
		UpdatedAt: r.UpdatedAt,
		Revision:  r.Revision,
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
	r.Health, err = decodeHealth(stored)
	return r, err
}

// decodeKey returns the name of an item, which every item has.
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

// tenantRecord is item 0 of a tenant. The zero value is a tenant that never had
// a webhook.
type tenantRecord struct {
	TenantID string                  `dynamodbav:"tenant_id"`
	LastID   int64                   `dynamodbav:"last_id"`
	Count    int                     `dynamodbav:"count"`
	Index    map[string]webhook.Mask `dynamodbav:"index"`
}

func decodeTenant(stored item) (tenantRecord, error) {
	var r tenantRecord
	if err := attributevalue.UnmarshalMap(stored, &r); err != nil {
		return tenantRecord{}, fmt.Errorf("decode item 0 of a tenant: %w", err)
	}
	return r, nil
}

// webhookIndex returns the index by id.
func (r tenantRecord) webhookIndex() (webhook.Index, error) {
	x := make(webhook.Index, len(r.Index))
	for text, mask := range r.Index {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("index of tenant %s: %w", r.TenantID, err)
		}
		x[id] = mask
	}
	return x, nil
}
