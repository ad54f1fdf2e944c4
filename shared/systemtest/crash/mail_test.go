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

// message is a message of a queue. It is visible from at on.
type message struct {
	id, body   string
	attributes map[string]string
	sentAt     time.Time
	at         time.Time
	receives   int
}

// mail takes the messages out of the local cloud's queues and keeps them until
// the walk's clock says that they are visible. It is what Lambda's poller and a
// queue's own rules are to the functions.
type mail struct {
	api   *sqs.Client
	names names

	mu   sync.Mutex
	sent map[string]int // messages that are in a queue, by URL
}

// visibleAt is an attribute that says when a message is due on the walk's clock:
// the local cloud would count real seconds.
const visibleAt = "visible_at"

// stamp makes the delays of a request into times of the walk's clock.
func (m *mail) stamp(c faulttest.Call, now time.Time) {
	in, is := c.Input.(*sqs.SendMessageBatchInput)
	if !is {
		return
	}
	for i := range in.Entries {
		e := &in.Entries[i]
		attributes := maps.Clone(e.MessageAttributes)
		if _, stamped := attributes[visibleAt]; stamped {
			continue
		}
		if attributes == nil {
			attributes = make(map[string]types.MessageAttributeValue)
		}
		at := now.Add(time.Duration(e.DelaySeconds) * time.Second)
		attributes[visibleAt] = types.MessageAttributeValue{DataType: aws.String("Number"), StringValue: aws.String(strconv.FormatInt(at.UnixMilli(), 10))}
		e.MessageAttributes, e.DelaySeconds = attributes, 0
	}
}

// sawSent counts the messages that a call brought into a queue.
func (m *mail) sawSent(c faulttest.Call, result any) {
	in, isSend := c.Input.(*sqs.SendMessageBatchInput)
	out, isSent := result.(*sqs.SendMessageBatchOutput)
	if !isSend || !isSent || out == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sent == nil {
		m.sent = make(map[string]int)
	}
	m.sent[*in.QueueUrl] += len(out.Successful)
}

// collect takes out of a queue what was sent to it: it is there as soon as it
// was sent.
func (m *mail) collect(t *testing.T, url string, now time.Time) []*message {
	t.Helper()
	m.mu.Lock()
	left := m.sent[url]
	delete(m.sent, url)
	m.mu.Unlock()
	var list []*message
	for empty := 0; left > 0; {
		out, err := m.api.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			if empty++; empty > 100 {
				t.Fatalf("%d messages that were sent cannot be received", left)
			}
			continue
		}
		left -= len(out.Messages)
		var done []types.DeleteMessageBatchRequestEntry
		for i, received := range out.Messages {
			done = append(done, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: received.ReceiptHandle})
			list = append(list, read(received, now))
		}
		if _, err := m.api.DeleteMessageBatch(context.Background(), &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: done}); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

func read(received types.Message, now time.Time) *message {
	m := &message{id: *received.MessageId, body: *received.Body, attributes: make(map[string]string), sentAt: now, at: now}
	for name, value := range received.MessageAttributes {
		if name != visibleAt {
			m.attributes[name] = *value.StringValue
			continue
		}
		if milliseconds, err := strconv.ParseInt(*value.StringValue, 10, 64); err == nil {
			m.at = time.UnixMilli(milliseconds).UTC()
		}
	}
	return m
}

// record is m as Lambda hands it over from a queue.
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

// due takes out of waiting up to ten messages that are visible first, and
// returns when all of them are.
func due(waiting []*message) (batch, rest []*message, at time.Time) {
	const window = 5 * time.Second
	slices.SortStableFunc(waiting, func(a, b *message) int { return a.at.Compare(b.at) })
	n := 1
	for n < len(waiting) && n < 10 && waiting[n].at.Sub(waiting[0].at) <= window {
		n++
	}
	return waiting[:n:n], waiting[n:], waiting[n-1].at
}
