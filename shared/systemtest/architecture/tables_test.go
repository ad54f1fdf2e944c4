package architecture_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTablesAreNeverReplaced pins what CloudFormation cannot change in a table
// that exists: its logical id, its key, the types of the key's attributes, its
// name (it has none, so that a retained table does not block a deploy), and what
// it encrypts with. A change of these makes a new and empty table; the old one
// is retained, with every customer's webhooks in it.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
//
// When this test fails, change the template back: a new form of the data is a
// new attribute, or a new table beside the old one and a migration. Only a table
// that never was deployed may be added or changed here.
func TestTablesAreNeverReplaced(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"WebhooksTable": "tenant_id S HASH, webhook_id N RANGE",
		"EventsTable":   "event S HASH",
		"LogsTable":     "log_bucket S HASH, log_id N RANGE",
		"RetriesTable":  "due S HASH, id S RANGE",
		"KeysTable":     "key_id S HASH",
	}
	got := make(map[string]string)
	for _, table := range resources(t, "AWS::DynamoDB::Table") {
		got[table.name] = keyOf(table)
		for _, property := range []string{"TableName", "LocalSecondaryIndexes", "ImportSourceSpecification"} {
			if at(table.properties, property) != nil {
				t.Errorf("%s has the property %s, which replaces the table when it changes", table.name, property)
			}
		}
		if at(table.body, "Condition") != nil {
			t.Errorf("%s has a Condition: a parameter would take the table out of the stack", table.name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a deploy would replace a table by an empty one (-deployed +template):\n%s", diff)
	}
}

// TestIndexesAreKept: an index that changes its key is deleted and built anew
// under another name, in which time its function fails.
func TestIndexesAreKept(t *testing.T) {
	t.Parallel()
	var got []string
	for _, table := range resources(t, "AWS::DynamoDB::Table") {
		indexes, _ := table.properties["GlobalSecondaryIndexes"].([]any)
		for _, index := range indexes {
			types := attributeTypes(table)
			got = append(got, table.name+"."+text(index, "IndexName")+": "+key(index, types)+", "+text(index, "Projection", "ProjectionType"))
		}
	}
	if diff := cmp.Diff([]string{"KeysTable.tenant: tenant_id S HASH, key_id S RANGE, ALL"}, got); diff != "" {
		t.Errorf("indexes (-deployed +template):\n%s", diff)
	}
}

func keyOf(table resource) string { return key(table.properties, attributeTypes(table)) }

// key spells out a KeySchema.
func key(value any, types map[string]string) string {
	schema, _ := at(value, "KeySchema").([]any)
	var parts []string
	for _, element := range schema {
		name := text(element, "AttributeName")
		parts = append(parts, fmt.Sprintf("%s %s %s", name, types[name], text(element, "KeyType")))
	}
	return strings.Join(parts, ", ")
}

func attributeTypes(table resource) map[string]string {
	types := make(map[string]string)
	definitions, _ := table.properties["AttributeDefinitions"].([]any)
	for _, definition := range definitions {
		types[text(definition, "AttributeName")] = text(definition, "AttributeType")
	}
	return types
}

// TestLogsEnd: what nobody deletes is paid for every month.
func TestLogsEnd(t *testing.T) {
	t.Parallel()
	for _, group := range resources(t, "AWS::Logs::LogGroup") {
		if at(group.properties, "RetentionInDays") == nil {
			t.Errorf("%s has no RetentionInDays: it would be kept for ever", group.name)
		}
	}
}
