package inbound_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/aws/queue"
	"webhooks/shared/deadletter"
	"webhooks/shared/delivery/inbound"
	"webhooks/shared/testkit/cloudtest"
)

func TestSend(t *testing.T) {
	t.Parallel()
	client, url := sqs.NewFromConfig(cloudtest.Config(t)), cloudtest.Queue(t)
	letters := []deadletter.Letter{
		{Body: `{"id":"e1", "z": 1.00 }` + "\n", Refusal: deadletter.Refusal{Reason: deadletter.UnknownType, Detail: `"一" is not an event type`, EventID: "e1"}},
		{Body: "not JSON at all", Refusal: deadletter.Refusal{Reason: deadletter.NotJSON, Detail: "a NUL \x00, half a character \xff and U+\uffff"}},
	}
	if err := errors.Join(inbound.NewDeadLetters(queue.New(client, url)).Send(t.Context(), letters)...); err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]string{
		letters[0].Body: {"reason": "unknown_type", "detail": `"一" is not an event type`, "event_id": "e1"},
		letters[1].Body: {"reason": "not_json", "detail": "a NUL \ufffd, half a character \ufffd and U+\ufffd"},
	}
	if diff := cmp.Diff(want, receive(t, client, url, len(letters))); diff != "" {
		t.Errorf("letters (-want +got):\n%s", diff)
	}
}

// receive returns the attributes of n messages by their bodies.
func receive(t *testing.T, client *sqs.Client, url string, n int) map[string]map[string]string {
	t.Helper()
	got := make(map[string]map[string]string)
	for len(got) < n {
		out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: 5, MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			t.Fatalf("only %d of %d messages came: %v", len(got), n, got)
		}
		for _, m := range out.Messages {
			got[*m.Body] = make(map[string]string)
			for name, value := range m.MessageAttributes {
				got[*m.Body][name] = *value.StringValue
			}
		}
	}
	return got
}

// sender refuses, as SQS does, a request of more than 1 MiB.
type sender struct{}

func (sender) SendMessageBatch(_ context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	out, size := &sqs.SendMessageBatchOutput{}, 0
	for _, e := range in.Entries {
		size += len(*e.MessageBody)
		for name, value := range e.MessageAttributes {
			if *value.StringValue == "" {
				return nil, fmt.Errorf("the attribute %s is empty", name)
			}
			size += len(name) + len(*value.DataType) + len(*value.StringValue)
		}
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: e.Id})
	}
	if size > 1<<20 {
		return nil, &types.BatchRequestTooLong{}
	}
	return out, nil
}

// The one letter without room for its reason must not take the others with it.
func TestSendOfALetterTooLargeFailsAlone(t *testing.T) {
	t.Parallel()
	letter := func(size int) deadletter.Letter {
		return deadletter.Letter{Body: strings.Repeat("x", size), Refusal: deadletter.Refusal{Reason: deadletter.NotJSON, Detail: "the message is not JSON"}}
	}
	failures := inbound.NewDeadLetters(queue.New(sender{}, "q")).Send(t.Context(),
		[]deadletter.Letter{letter(10), letter(1 << 20), letter(1<<20 - 200), letter(10)})
	var got []bool
	for _, err := range failures {
		got = append(got, err != nil)
	}
	if diff := cmp.Diff([]bool{false, true, false, false}, got); diff != "" {
		t.Errorf("failed (-want +got):\n%s\n%v", diff, failures)
	}
}

func TestNearlyExhausted(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		count   string
		max     int
		want    bool
		wantErr bool
	}{
		{name: "first receive", count: "1", max: 50},
		{name: "two before the last", count: "48", max: 50},
		{name: "one is left in case the letter fails", count: "49", max: 50, want: true},
		{name: "last", count: "50", max: 50, want: true},
		{name: "beyond the last", count: "51", max: 50, want: true},
		{name: "first of two is a try", count: "1", max: 2},
		{name: "last of two", count: "2", max: 2, want: true},
		{name: "first of one is a try", count: "1", max: 1},
		{name: "no number", count: "", max: 50, wantErr: true},
		{name: "not a number", count: "many", max: 50, wantErr: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := events.SQSMessage{Attributes: map[string]string{"ApproximateReceiveCount": tt.count}}
			got, err := inbound.NearlyExhausted(m, tt.max)
			if got != tt.want || (err != nil) != tt.wantErr {
				t.Errorf("NearlyExhausted = %v, %v, want %v", got, err, tt.want)
			}
		})
	}
}
