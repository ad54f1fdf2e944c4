package apikeydb

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/auth"
	"webhooks/shared/auth/apikey"
)

// tenantIndex is the global secondary index of the keys by tenant.
const tenantIndex = "tenant"

// The attributes that expressions name.
const (
	idName      = "key_id"
	tenantName  = "tenant_id"
	expiresName = "expires"
	changedName = "changed"
)

// item is a row of the table. Times are Unix seconds.
type item struct {
	ID       string       `dynamodbav:"key_id"`
	TenantID string       `dynamodbav:"tenant_id"`
	Hash     []byte       `dynamodbav:"hash"` // SHA-256 of the secret
	Scopes   []auth.Scope `dynamodbav:"scopes"`
	LastFour string       `dynamodbav:"last_four"`
	Created  int64        `dynamodbav:"created"`
	Changed  int64        `dynamodbav:"changed"`
	Expires  int64        `dynamodbav:"expires,omitempty"` // absent: never
}

func primaryKey(id string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{idName: &types.AttributeValueMemberS{Value: id}}
}

func encode(key apikey.Key) (map[string]types.AttributeValue, error) {
	i := item{
		ID: key.ID, TenantID: key.TenantID, Hash: key.Hash[:], Scopes: key.Scopes, LastFour: key.LastFour,
		Created: key.CreatedAt.Unix(), Changed: key.ChangedAt.Unix(),
	}
	if !key.ExpiresAt.IsZero() {
		i.Expires = key.ExpiresAt.Unix()
	}
	attributes, err := attributevalue.MarshalMap(i)
	if err != nil {
		return nil, fmt.Errorf("encode API key %s: %w", key.ID, err)
	}
	return attributes, nil
}

func decode(attributes map[string]types.AttributeValue) (apikey.Key, error) {
	var i item
	if err := attributevalue.UnmarshalMap(attributes, &i); err != nil {
		return apikey.Key{}, fmt.Errorf("decode an API key: %w", err)
	}
	key := apikey.Key{
		ID: i.ID, TenantID: i.TenantID, Scopes: i.Scopes, LastFour: i.LastFour,
		CreatedAt: time.Unix(i.Created, 0).UTC(), ChangedAt: time.Unix(i.Changed, 0).UTC(),
	}
	if copy(key.Hash[:], i.Hash) != len(key.Hash) || key.TenantID == "" {
		// A key with a short hash or without a tenant must never be accepted.
		return apikey.Key{}, fmt.Errorf("decode API key %q: its item is incomplete", i.ID)
	}
	if i.Expires != 0 {
		key.ExpiresAt = time.Unix(i.Expires, 0).UTC()
	}
	return key, nil
}
