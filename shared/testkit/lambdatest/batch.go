package lambdatest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// Batch returns the event with which Lambda's queue mapping invokes a function for
// messages with the given bodies. Each is received for the first time.
func Batch(t testing.TB, bodies []string) []byte {
	t.Helper()
	return BatchOf(t, "arn:aws:sqs:us-east-1:123456789012:queue", bodies)
}

// BatchOf returns the event of [Batch] for messages of the queue with the given ARN.
func BatchOf(t testing.TB, arn string, bodies []string) []byte {
	t.Helper()
	now := strconv.FormatInt(time.Now().UnixMilli(), 10)
	var batch events.SQSEvent
	for i, body := range bodies {
		batch.Records = append(batch.Records, events.SQSMessage{
			MessageId:     fmt.Sprintf("059f36b4-87a3-44ab-83d2-%012d", i),
			ReceiptHandle: "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0aAQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
			Body:          body,
			Attributes: map[string]string{
				"ApproximateReceiveCount": "1", "SentTimestamp": now, "ApproximateFirstReceiveTimestamp": now,
				"SenderId": "AIDAIENQZJOLO23YVJ4VO", "MessageGroupId": "bench",
			},
			Md5OfBody:      "e4e68fb7bd0e697a0ae8f1bb342846b3",
			EventSource:    "aws:sqs",
			EventSourceARN: arn,
			AWSRegion:      "us-east-1",
		})
	}
	payload, err := json.Marshal(batch)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}
