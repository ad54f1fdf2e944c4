// Package dynamo holds what the store packages (…db) need beyond the SDK's
// client: batches that retry unprocessed keys and writes, a backoff with jitter,
// compression that saves write units, and a check whether an error means that
// DynamoDB is overloaded.
package dynamo

import "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

// Item holds the attributes of a row, or of a key, by name.
type Item = map[string]types.AttributeValue
