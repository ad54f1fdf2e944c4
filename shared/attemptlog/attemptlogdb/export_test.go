package attemptlogdb

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/webhook"
)

// PrimaryKey lets a test delete a log as the table's TTL does.
func PrimaryKey(key webhook.Key, id int64) map[string]types.AttributeValue {
	return primaryKey(key, id)
}
