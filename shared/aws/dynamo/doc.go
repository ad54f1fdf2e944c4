// Package dynamo holds what the tables' packages need of DynamoDB beyond its
// SDK: to ask again for what a batch left out, to wait before, and to tell
// overload from a fault of ours.
package dynamo

import "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

// Item is a row, or the key of one, by attribute name.
type Item = map[string]types.AttributeValue
