package crash_test

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"webhooks/shared/testkit/faulttest"
)

// message is a message of a queue.
type message struct {
	id, body   string
	attributes map[string]string
	sentAt     time.Time
	visibleAt  time.Time
	receives   int
}

// poller stands for Lambda's poller and the delays of SQS. It takes the messages out
// of the local cloud's queues and keeps them until they are visible on the clock of
// the walk.
type poller struct {
	client *sqs.Client
	names  names

	mu   sync.Mutex
	sent map[string]int // messages that are in a queue, by URL
}

// visibleAtName is the message attribute with the time at which a message becomes
// visible on the clock of the walk. The local cloud counts real seconds.
const visibleAtName = "visible_at"

// stamp replaces the delays of a request by times on the clock of the walk.
func (p *poller) stamp(c faulttest.Call, now time.Time) {
	in, is := c.Input.(*sqs.SendMessageBatchInput)
	if !is {
		return
	}
	for i := range in.Entries {
		e := &in.Entries[i]
		attributes := maps.Clone(e.MessageAttributes)
		if _, stamped := attributes[visibleAtName]; stamped {
			continue
		}
		if attributes == nil {
			attributes = make(map[string]types.MessageAttributeValue)
		}
		at := now.Add(time.Duration(e.DelaySeconds) * time.Second)
		attributes[visibleAtName] = types.MessageAttributeValue{DataType: aws.String("Number"), StringValue: aws.String(strconv.FormatInt(at.UnixMilli(), 10))}
		e.MessageAttributes, e.DelaySeconds = attributes, 0
	}
}

// countSent counts the messages that a call added to a queue.
func (p *poller) countSent(c faulttest.Call, result any) {
	in, isSend := c.Input.(*sqs.SendMessageBatchInput)
	out, isSent := result.(*sqs.SendMessageBatchOutput)
	if !isSend || !isSent || out == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sent == nil {
		p.sent = make(map[string]int)
	}
	p.sent[*in.QueueUrl] += len(out.Successful)
}

// collect receives and deletes all messages that were sent to a queue.
func (p *poller) collect(t *testing.T, url string, now time.Time) []*message {
	t.Helper()
	p.mu.Lock()
	left := p.sent[url]
	delete(p.sent, url)
	p.mu.Unlock()
	var list []*message
	for empty := 0; left > 0; {
		out, err := p.client.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			if empty++; empty > 100 {
				t.Fatalf("%d sent messages cannot be received", left)
			}
			continue
		}
		left -= len(out.Messages)
		var done []types.DeleteMessageBatchRequestEntry
		for i, received := range out.Messages {
			done = append(done, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: received.ReceiptHandle})
			list = append(list, newMessage(received, now))
		}
		if _, err := p.client.DeleteMessageBatch(context.Background(), &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: done}); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// newMessage returns a received message, which was sent at now.
func newMessage(received types.Message, now time.Time) *message {
	m := &message{id: *received.MessageId, body: *received.Body, attributes: make(map[string]string), sentAt: now, visibleAt: now}
	for name, value := range received.MessageAttributes {
		if name != visibleAtName {
			m.attributes[name] = *value.StringValue
			continue
		}
		if milliseconds, err := strconv.ParseInt(*value.StringValue, 10, 64); err == nil {
			m.visibleAt = time.UnixMilli(milliseconds).UTC()
		}
	}
	return m
}

// record returns m as Lambda passes it to a function.
func (m *message) record(queue string) events.SQSMessage {
	r := events.SQSMessage{MessageId: m.id, Body: m.body, MessageAttributes: make(map[string]events.SQSMessageAttribute), Attributes: map[string]string{
		"SentTimestamp":           strconv.FormatInt(m.sentAt.UnixMilli(), 10),
		"ApproximateReceiveCount": strconv.Itoa(m.receives),
	}}
	if queue == slowQueue {
		r.EventSourceARN = slowARN
	}
	for name, value := range m.attributes {
		r.MessageAttributes[name] = events.SQSMessageAttribute{DataType: "String", StringValue: &value}
	}
	return r
}

// nextBatch splits waiting into a batch of up to size messages that become visible
// first and the rest, and returns when the whole batch is visible.
func nextBatch(waiting []*message, size int) (batch, rest []*message, at time.Time) {
	const window = 5 * time.Second
	slices.SortStableFunc(waiting, func(a, b *message) int { return a.visibleAt.Compare(b.visibleAt) })
	n := 1
	for n < len(waiting) && n < size && waiting[n].visibleAt.Sub(waiting[0].visibleAt) <= window {
		n++
	}
	return waiting[:n:n], waiting[n:], waiting[n-1].visibleAt
}
