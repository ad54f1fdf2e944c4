package faulttest

import (
	"maps"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Unread makes every BatchGetItem leave the keys unprocessed whose attribute has
// value, as DynamoDB does with the keys of a hot partition. It reads the other keys.
func (f *Faults) Unread(attribute, value string) {
	f.answer("BatchGetItem", func(c Call) (any, error) {
		in := c.Input.(*dynamodb.BatchGetItemInput)
		asked, hot := in.RequestItems, make(map[string]types.KeysAndAttributes)
		in.RequestItems = maps.Clone(asked)
		for table, part := range asked {
			left, rest := part, part
			left.Keys, rest.Keys = nil, nil
			for _, key := range part.Keys {
				if textOf(key[attribute]) == value {
					left.Keys = append(left.Keys, key)
				} else {
					rest.Keys = append(rest.Keys, key)
				}
			}
			if in.RequestItems[table] = rest; len(rest.Keys) == 0 {
				delete(in.RequestItems, table)
			}
			if len(left.Keys) > 0 {
				hot[table] = left
			}
		}
		if len(in.RequestItems) == 0 {
			return &dynamodb.BatchGetItemOutput{UnprocessedKeys: hot}, nil
		}
		result, err := c.Make()
		if err == nil {
			result.(*dynamodb.BatchGetItemOutput).UnprocessedKeys = hot
		}
		return result, err
	})
}

// textOf returns the value of a key attribute as text.
func textOf(value types.AttributeValue) string {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	}
	return ""
}
