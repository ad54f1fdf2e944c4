package queue

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Receiving is the part of the SQS client that a [Source] calls.
type Receiving interface {
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

// Source is one SQS queue, from which a function takes messages itself: Lambda gives it
// others of the same queue.
type Source struct {
	client Receiving
	url    string
}

// NewSource returns the source of the queue at url.
func NewSource(client Receiving, url string) *Source { return &Source{client, url} }

// maxReceive is the largest number of messages of one Receive.
const maxReceive = 10

// Receive returns up to most messages as Lambda gives them to a function, but without the
// ARN of the queue, and hides them from other receivers for the given time. It waits for
// the first message, in whole seconds. With a wait of 0, SQS asks only some of its servers
// and may return fewer messages than there are, or none:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
//
// A call whose response is lost leaves its messages hidden. So the SDK does not repeat
// it, and the caller should not cancel ctx.
func (s *Source) Receive(ctx context.Context, most int, wait, hidden time.Duration) ([]events.SQSMessage, error) {
	output, err := s.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &s.url, MaxNumberOfMessages: int32(min(most, maxReceive)),
		WaitTimeSeconds: int32(wait / time.Second), VisibilityTimeout: wholeSeconds(hidden),
		MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameApproximateReceiveCount, types.MessageSystemAttributeNameSentTimestamp,
		},
	}, withoutMD5, func(o *sqs.Options) { o.Retryer = aws.NopRetryer{} })
	if err != nil {
		return nil, fmt.Errorf("receive from %s: %w", s.url, err)
	}
	messages := make([]events.SQSMessage, 0, len(output.Messages))
	for _, m := range output.Messages {
		messages = append(messages, record(m))
	}
	return messages, nil
}

// record returns m in the form of Lambda.
func record(m types.Message) events.SQSMessage {
	r := events.SQSMessage{
		MessageId: aws.ToString(m.MessageId), ReceiptHandle: aws.ToString(m.ReceiptHandle), Body: aws.ToString(m.Body),
		Attributes: m.Attributes, EventSource: "aws:sqs",
	}
	for name, value := range m.MessageAttributes {
		if r.MessageAttributes == nil {
			r.MessageAttributes = make(map[string]events.SQSMessageAttribute, len(m.MessageAttributes))
		}
		r.MessageAttributes[name] = events.SQSMessageAttribute{
			DataType: aws.ToString(value.DataType), StringValue: value.StringValue, BinaryValue: value.BinaryValue,
		}
	}
	return r
}

// Delete deletes received messages by their receipt handles and returns an error for
// each, nil on success. A message that is not deleted is received again.
func (s *Source) Delete(ctx context.Context, handles []string) []error {
	return each(handles, "delete", func(indexes []int) ([]types.BatchResultErrorEntry, error) {
		in := &sqs.DeleteMessageBatchInput{QueueUrl: &s.url}
		for _, i := range indexes {
			in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: id(i), ReceiptHandle: &handles[i]})
		}
		output, err := s.client.DeleteMessageBatch(ctx, in)
		if err != nil {
			return nil, err
		}
		return output.Failed, nil
	})
}

// Hide hides received messages from other receivers for the given time from now on; with
// 0 they are received again at once. It returns an error for each message, nil on
// success. Afterwards their receipt handles must not be used.
func (s *Source) Hide(ctx context.Context, handles []string, hidden time.Duration) []error {
	return each(handles, "change the visibility", func(indexes []int) ([]types.BatchResultErrorEntry, error) {
		in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &s.url}
		for _, i := range indexes {
			in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
				Id: id(i), ReceiptHandle: &handles[i], VisibilityTimeout: wholeSeconds(hidden),
			})
		}
		output, err := s.client.ChangeMessageVisibilityBatch(ctx, in)
		if err != nil {
			return nil, err
		}
		return output.Failed, nil
	})
}

// each makes requests with up to ten of the handles each. request returns the entries that
// SQS rejected.
func each(handles []string, doing string, request func(indexes []int) ([]types.BatchResultErrorEntry, error)) []error {
	failures, all := make([]error, len(handles)), make([]int, len(handles))
	for i := range all {
		all[i] = i
	}
	for indexes := range slices.Chunk(all, maxEntries) {
		repeat(indexes, failures, func(indexes []int) map[int]error {
			failed, err := request(indexes)
			results := make(map[int]error, len(indexes))
			for _, i := range indexes {
				results[i] = nil
				if err != nil {
					results[i] = fmt.Errorf("%s: %w", doing, err)
				}
			}
			for _, entry := range failed {
				i, err := strconv.Atoi(aws.ToString(entry.Id))
				if _, asked := results[i]; err == nil && asked {
					results[i] = rejected(entry)
				}
			}
			return results
		})
	}
	return failures
}

func id(index int) *string {
	text := strconv.Itoa(index)
	return &text
}

// maxVisibility is the longest time for which SQS hides a message:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
const maxVisibility = 12 * time.Hour

// wholeSeconds rounds d up.
func wholeSeconds(d time.Duration) int32 {
	d = min(max(d, 0), maxVisibility)
	return int32((d + time.Second - 1) / time.Second)
}
