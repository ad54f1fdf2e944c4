package inbound_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/aws/queue"
	"webhooks/shared/deadletter"
	"webhooks/shared/delivery/inbound"
	"webhooks/shared/testkit/cloudtest"
)

// refused returns a message with body that was refused.
func refused(body string, r deadletter.Refusal) *job {
	j := received("m1", "1")
	j.Record.Body = body
	j.Subject = deadletter.SubjectOf(body)
	j.Refuse(r)
	return j
}

func TestSendLettersKeepsBodyAndReason(t *testing.T) {
	t.Parallel()
	client, url := sqs.NewFromConfig(cloudtest.Config(t)), cloudtest.Queue(t)
	batch := []*job{
		refused(`{"id":"e1", "z": 1.00 }`+"\n", deadletter.Refusal{Reason: deadletter.UnknownType, Detail: `"一" is not an event type`}),
		refused("not JSON at all", deadletter.Refusal{Reason: deadletter.NotJSON, Detail: "a NUL \x00, half a character \xff and U+\uffff"}),
	}
	inbound.SendLetters(t.Context(), consumer(new(bytes.Buffer), queue.New(client, url)), batch)
	for _, j := range batch {
		if j.Err != nil {
			t.Fatal(j.Err)
		}
	}
	want := map[string]map[string]string{
		batch[0].Record.Body: {"reason": "unknown_type", "detail": `"一" is not an event type`, "event_id": "e1", "message_id": "m1"},
		batch[1].Record.Body: {"reason": "not_json", "detail": "a NUL \ufffd, half a character \ufffd and U+\ufffd", "message_id": "m1"},
	}
	if diff := cmp.Diff(want, receive(t, client, url, len(batch))); diff != "" {
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
			t.Fatalf("received %d of %d messages: %v", len(got), n, got)
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

// limited takes what SQS takes: at most 1 MiB in a request, with all attributes.
type limited struct{ requests atomic.Int64 }

func (l *limited) SendMessageBatch(_ context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	l.requests.Add(1)
	out, size := &sqs.SendMessageBatchOutput{}, 0
	for _, e := range in.Entries {
		size += len(*e.MessageBody)
		if *e.MessageBody == "" {
			return nil, errors.New("a body is empty")
		}
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

// A message of the largest size is set aside at its first receive, as are its
// neighbours, also when the whole batch is of that size.
func TestSendLettersSetsAsideMessagesOfTheLargestSize(t *testing.T) {
	t.Parallel()
	largest := func(c string) *job {
		return refused(strings.Repeat(c, (1<<20)/len(c)), deadletter.Refusal{Reason: deadletter.NotJSON, Detail: "the message is not JSON"})
	}
	for name, batch := range map[string][]*job{
		"one between small ones": {refused("a", refusal), largest("x"), refused("b", refusal)},
		"ten":                    {largest("x"), largest("é"), largest("好"), largest("😀"), largest("\ufffe"), largest("\x01"), largest(" "), largest("\""), largest("0"), largest("[")},
		"no body":                {refused("", refusal), refused("a", refusal)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := &limited{}
			inbound.SendLetters(t.Context(), consumer(new(bytes.Buffer), queue.New(client, "q")), batch)
			for i, j := range batch {
				if j.Err != nil {
					t.Errorf("message %d is received again: %v", i, j.Err)
				}
			}
			if requests := client.requests.Load(); requests > int64(len(batch)) {
				t.Errorf("%d requests for %d letters", requests, len(batch))
			}
		})
	}
}
