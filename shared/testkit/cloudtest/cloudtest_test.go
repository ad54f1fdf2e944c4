package cloudtest_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/testkit/cloudtest"
)

func TestTableIsAsInTheTemplate(t *testing.T) {
	t.Parallel()
	name := cloudtest.Table(t, "WebhooksTable")

	out, err := dynamodb.NewFromConfig(cloudtest.Config(t)).DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &name})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]types.KeyType{}
	for _, key := range out.Table.KeySchema {
		got[*key.AttributeName] = key.KeyType
	}
	want := map[string]types.KeyType{"tenant_id": types.KeyTypeHash, "webhook_id": types.KeyTypeRange}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("key (-want +got):\n%s", diff)
	}
}

func TestQueueIsUsable(t *testing.T) {
	t.Parallel()
	url, body := cloudtest.Queue(t), "hello"
	client := sqs.NewFromConfig(cloudtest.Config(t))

	if _, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}); err != nil {
		t.Fatal(err)
	}
	out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 5})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Messages) != 1 || *out.Messages[0].Body != body {
		t.Errorf("received %d messages, want the one that was sent", len(out.Messages))
	}
}

func TestGetenvPrefersTheGivenVariables(t *testing.T) {
	t.Parallel()
	getenv := cloudtest.Getenv(t, map[string]string{"WEBHOOKS_TABLE": "mine"})
	if got := getenv("WEBHOOKS_TABLE"); got != "mine" {
		t.Errorf("WEBHOOKS_TABLE = %q", got)
	}
	if getenv("AWS_ENDPOINT_URL") != cloudtest.Stack(t).EndpointURL || getenv("HOME") != "" {
		t.Error("want the endpoint of the local cloud, and no variable of this process")
	}
}
