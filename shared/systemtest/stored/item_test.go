package stored_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/aws/dynamo"
)

// text returns an item in DynamoDB's JSON, an attribute on each line.
func text(t *testing.T, item dynamo.Item) string {
	t.Helper()
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(item)) {
		encoded, err := json.Marshal(toJSON(item[name]))
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("  %q: %s", name, encoded))
	}
	return "{\n" + strings.Join(lines, ",\n") + "\n}"
}

// parse reads an item in DynamoDB's JSON.
func parse(t *testing.T, text string) dynamo.Item {
	t.Helper()
	var attributes map[string]map[string]any
	if err := json.Unmarshal([]byte(text), &attributes); err != nil {
		t.Fatal(err)
	}
	item := make(dynamo.Item, len(attributes))
	for name, value := range attributes {
		item[name] = fromJSON(t, value)
	}
	return item
}

func toJSON(value types.AttributeValue) any {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return map[string]any{"S": v.Value}
	case *types.AttributeValueMemberN:
		return map[string]any{"N": v.Value}
	case *types.AttributeValueMemberB:
		return map[string]any{"B": base64.StdEncoding.EncodeToString(v.Value)}
	case *types.AttributeValueMemberBOOL:
		return map[string]any{"BOOL": v.Value}
	case *types.AttributeValueMemberNS:
		return map[string]any{"NS": slices.Sorted(slices.Values(v.Value))} // a set has no order
	case *types.AttributeValueMemberL:
		list := make([]any, 0, len(v.Value))
		for _, element := range v.Value {
			list = append(list, toJSON(element))
		}
		return map[string]any{"L": list}
	case *types.AttributeValueMemberM:
		members := make(map[string]any, len(v.Value))
		for name, member := range v.Value {
			members[name] = toJSON(member)
		}
		return map[string]any{"M": members}
	}
	return fmt.Sprintf("an attribute of type %T, which toJSON does not know", value)
}

func fromJSON(t *testing.T, value any) types.AttributeValue {
	t.Helper()
	typed, _ := value.(map[string]any)
	for kind, content := range typed {
		switch kind {
		case "S":
			return &types.AttributeValueMemberS{Value: content.(string)}
		case "N":
			return &types.AttributeValueMemberN{Value: content.(string)}
		case "B":
			bytes, err := base64.StdEncoding.DecodeString(content.(string))
			if err != nil {
				t.Fatal(err)
			}
			return &types.AttributeValueMemberB{Value: bytes}
		case "BOOL":
			return &types.AttributeValueMemberBOOL{Value: content.(bool)}
		case "NS":
			set := &types.AttributeValueMemberNS{}
			for _, n := range content.([]any) {
				set.Value = append(set.Value, n.(string))
			}
			return set
		case "L":
			list := &types.AttributeValueMemberL{Value: []types.AttributeValue{}}
			for _, element := range content.([]any) {
				list.Value = append(list.Value, fromJSON(t, element))
			}
			return list
		case "M":
			members := &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{}}
			for name, member := range content.(map[string]any) {
				members.Value[name] = fromJSON(t, member)
			}
			return members
		}
	}
	t.Fatalf("%v is not an attribute in DynamoDB's JSON", value)
	return nil
}

// put writes an item as it is.
func (c *cloud) put(t *testing.T, table string, item dynamo.Item) {
	t.Helper()
	if _, err := c.db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(c.table(table)), Item: item}); err != nil {
		t.Fatal(err)
	}
}

// get reads the item that has the key of like.
func (c *cloud) get(t *testing.T, table string, like dynamo.Item) dynamo.Item {
	t.Helper()
	key := make(dynamo.Item)
	for _, name := range keys()[table] {
		key[name] = like[name]
	}
	out, err := c.db.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(c.table(table)), Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	return out.Item
}

// keys returns the key attributes of each table.
func keys() map[string][]string {
	return map[string][]string{
		"WebhooksTable": {"tenant_id", "webhook_id"}, "EventsTable": {"event"}, "LogsTable": {"log_bucket", "log_id"},
		"RetriesTable": {"due", "id"}, "KeysTable": {"key_id"},
	}
}

func s(value string) types.AttributeValue { return &types.AttributeValueMemberS{Value: value} }

func n(value string) types.AttributeValue { return &types.AttributeValueMemberN{Value: value} }
