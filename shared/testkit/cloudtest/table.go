package cloudtest

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"gopkg.in/yaml.v3"
)

// cleanupTime limits each call at the end of a test.
const cleanupTime = 10 * time.Second

// Table creates an empty table as template.yaml defines the resource logicalID, and
// returns its name. The table is deleted when the test ends.
func Table(t testing.TB, logicalID string) string {
	t.Helper()
	client, name := dynamodb.NewFromConfig(Config(t)), uniqueName(logicalID)
	input := tableDefinition(t, logicalID).createInput()
	input.TableName = &name
	if _, err := client.CreateTable(t.Context(), input); err != nil {
		t.Fatalf("create the table %s: %v", logicalID, err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), cleanupTime)
		defer cancel()
		if _, err := client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name}); err != nil {
			t.Errorf("delete the table %s: %v", logicalID, err)
		}
	})
	if err := dynamodb.NewTableExistsWaiter(client).Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: &name}, cleanupTime); err != nil {
		t.Fatalf("wait for the table %s: %v", logicalID, err)
	}
	return name
}

// Queue creates an empty queue and returns its URL. The queue is deleted when the test
// ends.
func Queue(t testing.TB) string {
	t.Helper()
	client := sqs.NewFromConfig(Config(t))
	out, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(uniqueName("queue"))})
	if err != nil {
		t.Fatalf("create a queue: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), cleanupTime)
		defer cancel()
		if _, err := client.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl}); err != nil {
			t.Errorf("delete the queue: %v", err)
		}
	})
	return *out.QueueUrl
}

func uniqueName(what string) string { return "test-" + what + "-" + rand.Text() }

// table holds the properties of an AWS::DynamoDB::Table that a test needs. The YAML
// decoder ignores CloudFormation's tags (!Ref, !If, …) in the other properties.
type table struct {
	AttributeDefinitions []struct {
		AttributeName string `yaml:"AttributeName"`
		AttributeType string `yaml:"AttributeType"`
	} `yaml:"AttributeDefinitions"`
	KeySchema              keySchema `yaml:"KeySchema"`
	BillingMode            string    `yaml:"BillingMode"`
	GlobalSecondaryIndexes []struct {
		IndexName  string    `yaml:"IndexName"`
		KeySchema  keySchema `yaml:"KeySchema"`
		Projection struct {
			ProjectionType   string   `yaml:"ProjectionType"`
			NonKeyAttributes []string `yaml:"NonKeyAttributes"`
		} `yaml:"Projection"`
	} `yaml:"GlobalSecondaryIndexes"`
}

type keySchema []struct {
	AttributeName string `yaml:"AttributeName"`
	KeyType       string `yaml:"KeyType"`
}

// tableDefinition returns a table of template.yaml.
func tableDefinition(t testing.TB, logicalID string) table {
	t.Helper()
	text, err := os.ReadFile(Path("template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]yaml.Node `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatalf("read template.yaml: %v", err)
	}
	var resource struct {
		Type       string `yaml:"Type"`
		Properties table  `yaml:"Properties"`
	}
	node := template.Resources[logicalID]
	if err := node.Decode(&resource); err != nil || resource.Type != "AWS::DynamoDB::Table" {
		t.Fatalf("template.yaml has no table %s (it is a %q, %v)", logicalID, resource.Type, err)
	}
	return resource.Properties
}

func (d table) createInput() *dynamodb.CreateTableInput {
	input := &dynamodb.CreateTableInput{
		BillingMode: types.BillingMode(d.BillingMode),
		KeySchema:   d.KeySchema.elements(),
	}
	for _, a := range d.AttributeDefinitions {
		input.AttributeDefinitions = append(input.AttributeDefinitions, types.AttributeDefinition{
			AttributeName: aws.String(a.AttributeName),
			AttributeType: types.ScalarAttributeType(strings.ToUpper(a.AttributeType)),
		})
	}
	for _, x := range d.GlobalSecondaryIndexes {
		input.GlobalSecondaryIndexes = append(input.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: aws.String(x.IndexName),
			KeySchema: x.KeySchema.elements(),
			Projection: &types.Projection{
				ProjectionType:   types.ProjectionType(x.Projection.ProjectionType),
				NonKeyAttributes: x.Projection.NonKeyAttributes,
			},
		})
	}
	return input
}

func (s keySchema) elements() []types.KeySchemaElement {
	var elements []types.KeySchemaElement
	for _, e := range s {
		elements = append(elements, types.KeySchemaElement{
			AttributeName: aws.String(e.AttributeName),
			KeyType:       types.KeyType(e.KeyType),
		})
	}
	return elements
}
