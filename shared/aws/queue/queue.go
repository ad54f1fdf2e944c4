// Package queue sends messages to SQS in as few requests as possible, and takes messages
// from it beside Lambda.
package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"
)

// Limits of SendMessageBatch:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
const (
	maxEntries = 10
	// MaxBytes is the largest [Message.Size] of a message, and of all messages of a
	// request together.
	MaxBytes = 1 << 20
	// MaxDelay is the longest delay of a message.
	MaxDelay = 15 * time.Minute
)

// concurrency is the limit of concurrent requests of one Send: enough for 10,000
// deliveries in a few seconds, and too few to be throttled.
const concurrency = 8

// tries is how often an entry is sent that SQS rejects for an error of its own.
const tries = 3

// Message is a message to send.
type Message struct {
	Body string
	// Delay is rounded up to whole seconds and limited to [0, MaxDelay].
	Delay time.Duration
	// Group is the message group of a fair queue, or "". See
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
	Group      string
	Attributes map[string]string
}

// SQS is the part of the SQS client that a [Queue] calls.
type SQS interface {
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

// Queue is one SQS queue.
type Queue struct {
	client SQS
	url    string
}

// New returns the queue at url.
func New(client SQS, url string) *Queue { return &Queue{client, url} }

// Open returns the queue at url with an SQS client of its own, for a program that
// uses no other queue.
func Open(cfg aws.Config, url string) *Queue { return New(sqs.NewFromConfig(cfg), url) }

// Send sends messages and returns an error for each of them, nil where SQS
// accepted it. Entries that fail in a successful request are retried here. A
// request that fails as a whole was already retried by the SDK. If SQS refuses it for
// what it contains, each message is sent alone, so that one cannot fail the others.
func (q *Queue) Send(ctx context.Context, messages []Message) []error {
	failures := make([]error, len(messages))
	batches := pack(messages)
	send := func(indexes []int) map[int]error { return q.try(ctx, messages, indexes) }
	if len(batches) == 1 { // the usual case: this saves the stack of a goroutine
		repeat(batches[0], failures, send)
		return failures
	}
	var group errgroup.Group
	group.SetLimit(concurrency)
	for _, batch := range batches {
		group.Go(func() error {
			repeat(batch, failures, send) // batches have distinct indexes
			return nil
		})
	}
	_ = group.Wait() // the errors are in failures
	return failures
}

// pack splits messages into requests. It returns the indexes of the messages of
// each request.
func pack(messages []Message) [][]int {
	var batches [][]int
	var batch []int
	bytes := 0
	for i, m := range messages {
		size := m.Size()
		if len(batch) > 0 && (len(batch) == maxEntries || bytes+size > MaxBytes) {
			batches, batch, bytes = append(batches, batch), nil, 0
		}
		batch, bytes = append(batch, i), bytes+size
	}
	if len(batch) > 0 {
		batches = append(batches, batch)
	}
	return batches
}

// Size returns the size of m as SQS counts it, in bytes: the body, and the name,
// type and value of each attribute.
func (m Message) Size() int {
	size := len(m.Body)
	for name, value := range m.Attributes {
		size += len(name) + len(attributeType) + len(value)
	}
	return size
}

const attributeType = "String"

// repeat makes requests for the indexes in batch and sets their failures: it repeats the
// request for entries that SQS rejects for an error of its own. The SDK has
// already repeated a request that fails as a whole. request returns the result of each
// index.
func repeat(batch []int, failures []error, request func(indexes []int) map[int]error) {
	for try := 1; len(batch) > 0; try++ {
		var again []int
		for i, err := range request(batch) {
			failures[i] = err
			var refused *entryError
			if errors.As(err, &refused) && !refused.senderFault && try < tries {
				again = append(again, i)
			}
		}
		batch = again
	}
}

// try sends one request and returns the result of each index.
func (q *Queue) try(ctx context.Context, messages []Message, batch []int) map[int]error {
	entries := make([]types.SendMessageBatchRequestEntry, 0, len(batch))
	for _, i := range batch {
		entries = append(entries, entry(strconv.Itoa(i), messages[i]))
	}
	results := make(map[int]error, len(batch))
	output, err := q.client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.url, Entries: entries}, withoutMD5)
	if err != nil && len(batch) > 1 && invalid(err) {
		for _, i := range batch {
			maps.Copy(results, q.try(ctx, messages, []int{i}))
		}
		return results
	}
	if err != nil {
		for _, i := range batch {
			results[i] = fmt.Errorf("send to %s: %w", q.url, err)
		}
		return results
	}
	for _, i := range batch {
		// An entry that the response does not name was not accepted.
		results[i] = &entryError{code: "not in the response"}
	}
	for _, accepted := range output.Successful {
		if i, err := strconv.Atoi(aws.ToString(accepted.Id)); err == nil {
			results[i] = nil
		}
	}
	for _, refused := range output.Failed {
		if i, err := strconv.Atoi(aws.ToString(refused.Id)); err == nil {
			results[i] = rejected(refused)
		}
	}
	return results
}

// invalid reports whether SQS refused a request for what it contains.
func invalid(err error) bool {
	var (
		tooLong    *types.BatchRequestTooLong
		characters *types.InvalidMessageContents
		attribute  *types.InvalidAttributeValue
		answered   smithy.APIError
	)
	return errors.As(err, &tooLong) || errors.As(err, &characters) || errors.As(err, &attribute) ||
		errors.As(err, &answered) && answered.ErrorCode() == "InvalidParameterValue"
}

// withoutMD5 stops the SDK from comparing the MD5 of every body with the one in the
// response: TLS already protects the bytes.
func withoutMD5(o *sqs.Options) { o.DisableMessageChecksumValidation = true }

func entry(id string, m Message) types.SendMessageBatchRequestEntry {
	e := types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &m.Body, DelaySeconds: delaySeconds(m.Delay)}
	if m.Group != "" {
		e.MessageGroupId = &m.Group
	}
	for name, value := range m.Attributes {
		if e.MessageAttributes == nil {
			e.MessageAttributes = make(map[string]types.MessageAttributeValue, len(m.Attributes))
		}
		e.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String(attributeType), StringValue: &value}
	}
	return e
}

func delaySeconds(d time.Duration) int32 {
	return wholeSeconds(min(d, MaxDelay))
}

// entryError is the error of an entry that SQS did not accept.
type entryError struct {
	code, message string
	senderFault   bool // the message itself is wrong, so a retry is useless
}

func rejected(e types.BatchResultErrorEntry) error {
	return &entryError{aws.ToString(e.Code), aws.ToString(e.Message), e.SenderFault}
}

func (e *entryError) Error() string {
	return "SQS rejected the entry of a message: " + e.code + " " + e.message
}
