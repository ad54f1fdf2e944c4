// Package queue sends messages to SQS in as few requests as they fit in.
package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"
)

// Limits of SendMessageBatch:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
const (
	maxEntries = 10
	maxBytes   = 1 << 20 // of all bodies and attributes together
	// MaxDelay is the longest DelaySeconds of a message.
	MaxDelay = 15 * time.Minute
)

// concurrency is how many requests one Send has under way at once: enough for
// 10,000 deliveries in a few seconds, and too few to be throttled.
const concurrency = 8

// tries is how often an entry that SQS refuses for its own fault is sent.
const tries = 3

// Message is what is sent.
type Message struct {
	Body string
	// Delay is rounded up to whole seconds and kept within [0, MaxDelay].
	Delay time.Duration
	// Group is the fair-queue group; "" is none. See
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
	Group      string
	Attributes map[string]string
}

// API is the part of SQS that a [Queue] calls.
type API interface {
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

// Queue is one SQS queue.
type Queue struct {
	api API
	url string
}

// New returns the queue at url.
func New(api API, url string) *Queue { return &Queue{api, url} }

// Open returns the queue at url with a client of its own, for a program that
// speaks with nothing else of AWS.
func Open(cfg aws.Config, url string) *Queue { return New(sqs.NewFromConfig(cfg), url) }

// Send sends messages and returns an error for each of them, nil where it was
// accepted. Entries that fail inside an accepted request are sent again; a
// request that fails as a whole was already tried again by the SDK.
func (q *Queue) Send(ctx context.Context, messages []Message) []error {
	failures := make([]error, len(messages))
	batches := pack(messages)
	if len(batches) == 1 { // as almost always: a goroutine would grow a stack of its own
		q.sendBatch(ctx, messages, batches[0], failures)
		return failures
	}
	var group errgroup.Group
	group.SetLimit(concurrency)
	for _, batch := range batches {
		group.Go(func() error {
			q.sendBatch(ctx, messages, batch, failures)
			return nil
		})
	}
	// The failures are in the list: the group itself never fails.
	_ = group.Wait()
	return failures
}

// pack splits messages into requests and returns the places of each.
func pack(messages []Message) [][]int {
	var batches [][]int
	var batch []int
	bytes := 0
	for i, m := range messages {
		size := m.size()
		if len(batch) > 0 && (len(batch) == maxEntries || bytes+size > maxBytes) {
			batches, batch, bytes = append(batches, batch), nil, 0
		}
		batch, bytes = append(batch, i), bytes+size
	}
	if len(batch) > 0 {
		batches = append(batches, batch)
	}
	return batches
}

// size counts what SQS counts: the body, and name, type and value of each
// attribute.
func (m Message) size() int {
	size := len(m.Body)
	for name, value := range m.Attributes {
		size += len(name) + len(attributeType) + len(value)
	}
	return size
}

const attributeType = "String"

// sendBatch sends the messages at the places of batch and writes down which
// failed. Batches have different places, so they may run at once.
func (q *Queue) sendBatch(ctx context.Context, messages []Message, batch []int, failures []error) {
	for try := 1; len(batch) > 0; try++ {
		var again []int
		for i, err := range q.try(ctx, messages, batch) {
			failures[i] = err
			var refused *entryError
			if errors.As(err, &refused) && !refused.ours && try < tries {
				again = append(again, i)
			}
		}
		batch = again
	}
}

// try sends one request and returns what became of each place.
func (q *Queue) try(ctx context.Context, messages []Message, batch []int) map[int]error {
	entries := make([]types.SendMessageBatchRequestEntry, 0, len(batch))
	for _, i := range batch {
		entries = append(entries, entry(strconv.Itoa(i), messages[i]))
	}
	results := make(map[int]error, len(batch))
	output, err := q.api.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.url, Entries: entries}, withoutMD5)
	if err != nil {
		for _, i := range batch {
			results[i] = fmt.Errorf("send to %s: %w", q.url, err)
		}
		return results
	}
	for _, i := range batch {
		// Until the answer names the entry it was not accepted.
		results[i] = &entryError{code: "not in the answer"}
	}
	for _, accepted := range output.Successful {
		if i, err := strconv.Atoi(aws.ToString(accepted.Id)); err == nil {
			results[i] = nil
		}
	}
	for _, refused := range output.Failed {
		if i, err := strconv.Atoi(aws.ToString(refused.Id)); err == nil {
			results[i] = &entryError{aws.ToString(refused.Code), aws.ToString(refused.Message), refused.SenderFault}
		}
	}
	return results
}

// withoutMD5 spares the SDK the MD5 of every body, which it would compare with
// the one that SQS sends back: TLS has seen to the bytes already.
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
	d = min(max(d, 0), MaxDelay)
	return int32((d + time.Second - 1) / time.Second)
}

// entryError is an entry that SQS did not accept.
type entryError struct {
	code, message string
	ours          bool // the message itself is at fault: sending it again is no use
}

func (e *entryError) Error() string {
	return "SQS did not accept the message: " + e.code + " " + e.message
}
