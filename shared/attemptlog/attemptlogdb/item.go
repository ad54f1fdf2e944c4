package attemptlogdb

import (
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/attemptlog"
	"webhooks/shared/event"
	"webhooks/shared/webhook"
)

// bucketSize is how many ids share a partition key. The stored keys depend on it,
// so it can never change. A page of at most 100 logs lies in at most two buckets.
const bucketSize = 100

// Attributes of the table that expressions name.
const (
	bucketName  = "log_bucket"
	idName      = "log_id"
	lastIDName  = "last_id"
	createdName = "created"
	ttlName     = "ttl"
)

// item is a log in the table. A write costs one unit per KiB, attribute names
// included, so the names are short. Tenant and webhook are in the key.
type item struct {
	Bucket       string             `dynamodbav:"log_bucket"`
	ID           int64              `dynamodbav:"log_id"`
	EventID      string             `dynamodbav:"event_id"`
	EventType    event.Type         `dynamodbav:"type"`
	Attempt      int                `dynamodbav:"attempt"`
	Outcome      attemptlog.Outcome `dynamodbav:"outcome"`
	StatusCode   int                `dynamodbav:"status,omitempty"`
	Milliseconds int64              `dynamodbav:"ms,omitempty"`
	ResponseBody string             `dynamodbav:"body,omitempty"`
	Truncated    bool               `dynamodbav:"truncated,omitempty"`
	Failure      string             `dynamodbav:"failure,omitempty"`
	NextAttempt  int64              `dynamodbav:"next,omitempty"` // Unix milliseconds
	Created      int64              `dynamodbav:"created"`        // Unix milliseconds
	TTL          int64              `dynamodbav:"ttl"`            // Unix seconds, the unit of a DynamoDB TTL
}

// bucketOf returns the number of the bucket of id.
func bucketOf(id int64) int64 { return id / bucketSize }

// bucketKey returns the partition key of a bucket. A tenant cannot contain '#'.
func bucketKey(key webhook.Key, bucket int64) string {
	return key.TenantID + "#" + strconv.FormatInt(key.ID, 10) + "#" + strconv.FormatInt(bucket, 10)
}

// primaryKey returns the key of a log, or of item 0.
func primaryKey(key webhook.Key, id int64) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		bucketName: &types.AttributeValueMemberS{Value: bucketKey(key, bucketOf(id))},
		idName:     &types.AttributeValueMemberN{Value: strconv.FormatInt(id, 10)},
	}
}

func encode(log attemptlog.Log, retention time.Duration) (map[string]types.AttributeValue, error) {
	i := item{
		Bucket: bucketKey(log.Webhook(), bucketOf(log.ID)), ID: log.ID,
		EventID: log.EventID, EventType: log.EventType, Attempt: log.Attempt, Outcome: log.Outcome,
		StatusCode: log.StatusCode, Milliseconds: log.ResponseTime.Milliseconds(),
		ResponseBody: log.ResponseBody, Truncated: log.Truncated, Failure: log.Failure,
		Created: log.CreatedAt.UnixMilli(), TTL: log.ExpiresAt(retention).Unix(),
	}
	if !log.NextAttemptAt.IsZero() {
		i.NextAttempt = log.NextAttemptAt.UnixMilli()
	}
	attributes, err := attributevalue.MarshalMap(i)
	if err != nil {
		return nil, fmt.Errorf("encode log %d of webhook %d: %w", log.ID, log.WebhookID, err)
	}
	return attributes, nil
}

func decode(key webhook.Key, attributes map[string]types.AttributeValue) (attemptlog.Log, error) {
	var i item
	if err := attributevalue.UnmarshalMap(attributes, &i); err != nil {
		return attemptlog.Log{}, fmt.Errorf("decode a log of webhook %d: %w", key.ID, err)
	}
	log := attemptlog.Log{
		TenantID: key.TenantID, WebhookID: key.ID, ID: i.ID,
		EventID: i.EventID, EventType: i.EventType, Attempt: i.Attempt, Outcome: i.Outcome,
		StatusCode: i.StatusCode, ResponseTime: time.Duration(i.Milliseconds) * time.Millisecond,
		ResponseBody: i.ResponseBody, Truncated: i.Truncated, Failure: i.Failure,
		CreatedAt: time.UnixMilli(i.Created).UTC(),
	}
	if i.NextAttempt != 0 {
		log.NextAttemptAt = time.UnixMilli(i.NextAttempt).UTC()
	}
	return log, nil
}

// lastID decodes the last reserved id from item 0. It is 0 if there is no item 0.
func lastID(attributes map[string]types.AttributeValue) (int64, error) {
	var zero struct {
		LastID int64 `dynamodbav:"last_id"`
	}
	if err := attributevalue.UnmarshalMap(attributes, &zero); err != nil {
		return 0, fmt.Errorf("decode %s: %w", lastIDName, err)
	}
	return zero.LastID, nil
}
