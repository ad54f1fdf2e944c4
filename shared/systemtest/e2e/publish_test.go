package e2e_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"webhooks/shared/testkit/cloudtest"
)

// publish sends events to the events queue in one request, as a producer does, and
// returns the ids of the messages.
func publish(t testing.TB, events ...string) []string {
	t.Helper()
	url := deployed(t).EventsQueueURL
	input := &sqs.SendMessageBatchInput{QueueUrl: &url}
	for i, event := range events {
		input.Entries = append(input.Entries, types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: &event})
	}
	out, err := sqs.NewFromConfig(cloudtest.Config(t)).SendMessageBatch(t.Context(), input)
	if err != nil || len(out.Failed) > 0 {
		t.Fatalf("publish: %v; refused: %v", err, out.Failed)
	}
	ids := make([]string, len(events))
	for _, entry := range out.Successful {
		i, err := strconv.Atoi(*entry.Id)
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = *entry.MessageId
	}
	return ids
}

// event returns an event of the tenant, of the type environment.created.
func (c *tenant) event(id, data string) string {
	return fmt.Sprintf(`{"id":%q,"type":"environment.created","tenant_id":%q,"data":%s}`, id, c.id, data)
}
