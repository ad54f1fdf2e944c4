package architecture_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTablesAreNeverReplaced fixes the properties that CloudFormation cannot change
// in an existing table: logical id, key, types of the key attributes and name. (The
// tables have no name, so that a retained table does not block a deployment.) A
// change of one of them creates a new, empty table beside the old one, which keeps
// the customers' data.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
//
// When this test fails, change the template back. For a new form of the data add an
// attribute, or a table with a migration. Add or change a table here only if it was
// never deployed.
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
				t.Errorf("%s has the property %s: changing it replaces the table", table.name, property)
			}
		}
		if at(table.body, "Condition") != nil {
			t.Errorf("%s has a Condition: a parameter could remove the table from the stack", table.name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a deployment would replace a table by an empty one (-deployed +template):\n%s", diff)
	}
}

// TestQueuesAreNeverReplaced fixes the queues and the properties that CloudFormation
// cannot change in an existing queue. A replaced queue is a new, empty one: what waits in
// the old one is not delivered.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html
//
// When this test fails, change the template back. Add a queue here only if it is new.
func TestQueuesAreNeverReplaced(t *testing.T) {
	t.Parallel()
	want := []string{"BusDeadLettersQueue", "DeliveriesDeadLettersQueue", "DeliveriesQueue", "EventsDeadLettersQueue", "EventsQueue", "SlowQueue"}
	var got []string
	for _, queue := range resources(t, "AWS::SQS::Queue") {
		got = append(got, queue.name)
		for _, property := range []string{"QueueName", "FifoQueue"} {
			if at(queue.properties, property) != nil {
				t.Errorf("%s has the property %s: changing it replaces the queue", queue.name, property)
			}
		}
		if at(queue.body, "Condition") != nil {
			t.Errorf("%s has a Condition: a parameter could remove the queue from the stack", queue.name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a deployment would replace a queue by an empty one (-deployed +template):\n%s", diff)
	}
}

// TestIndexesAreNeverReplaced: CloudFormation deletes an index whose key changes and
// builds another. Until then the functions that use it fail.
func TestIndexesAreNeverReplaced(t *testing.T) {
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

// keyOf describes the key of a table.
func keyOf(table resource) string { return key(table.properties, attributeTypes(table)) }

// key describes a KeySchema: "id S HASH".
func key(value any, types map[string]string) string {
	schema, _ := at(value, "KeySchema").([]any)
	var parts []string
	for _, element := range schema {
		name := text(element, "AttributeName")
		parts = append(parts, fmt.Sprintf("%s %s %s", name, types[name], text(element, "KeyType")))
	}
	return strings.Join(parts, ", ")
}

// attributeTypes returns the types of a table's attributes by name.
func attributeTypes(table resource) map[string]string {
	types := make(map[string]string)
	definitions, _ := table.properties["AttributeDefinitions"].([]any)
	for _, definition := range definitions {
		types[text(definition, "AttributeName")] = text(definition, "AttributeType")
	}
	return types
}

// TestLogGroupsExpire: logs without a retention period cost more every month.
func TestLogGroupsExpire(t *testing.T) {
	t.Parallel()
	for _, group := range resources(t, "AWS::Logs::LogGroup") {
		if at(group.properties, "RetentionInDays") == nil {
			t.Errorf("%s has no RetentionInDays: CloudWatch would keep it for ever", group.name)
		}
	}
}
