// Package inbound is shared by the consumers of the events queue and the
// deliveries queue. A [Consumer] decodes each message of a batch on its own, sends
// refused messages to the dead-letter queue, and [Response] tells Lambda which
// messages to send again.
package inbound

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/apperr"
	"webhooks/shared/aws/dynamo"
	"webhooks/shared/aws/queue"
	"webhooks/shared/deadletter"
)

// Queue is an SQS queue. Send returns an error for each message, nil where SQS
// accepted it.
type Queue interface {
	Send(ctx context.Context, messages []queue.Message) []error
}

// Consumer handles batches of one queue.
type Consumer struct {
	Log *slog.Logger
	// DeadLetters is the dead-letter queue of the queue.
	DeadLetters Queue
	// MaxReceiveCount is that of the queue's redrive policy: after so many receives
	// SQS moves a message to the dead-letter queue.
	MaxReceiveCount int
}

// Message is one message of a batch. A consumer embeds it in its own type.
type Message struct {
	Record events.SQSMessage
	// SentAt is when the message was first sent. It is zero if the consumer does not
	// set it.
	SentAt time.Time
	// Subject is for logs. [Consumer.Decode] sets it.
	Subject deadletter.Subject
	// Letter is set when the message is refused.
	Letter *deadletter.Letter
	// Err is our own error: Lambda receives the message again.
	Err error
}

// Carrier is a consumer's own type for a message, which embeds [Message].
type Carrier interface{ message() *Message }

func (m *Message) message() *Message { return m }

// Open reports whether m has neither failed nor been refused.
func (m *Message) Open() bool { return m.Err == nil && m.Letter == nil }

// Level returns the level of the log line about Err.
func (m *Message) Level() slog.Level { return Level(m.Err) }

// Level returns the level of a log line about err. A key that DynamoDB leaves unread is
// one that a tenant reads or writes too fast, and ChangedMeanwhile says that its writes
// wait for each other. Neither is an error of the service, whose alarm would take a
// gradual deployment back.
func Level(err error) slog.Level {
	if errors.Is(err, dynamo.ErrUnread) || apperr.Is(err, apperr.ChangedMeanwhile) {
		return slog.LevelWarn
	}
	return slog.LevelError
}

// Refuse sets the letter of m, which [SendLetters] sends to the dead-letter queue.
func (m *Message) Refuse(refusal deadletter.Refusal) {
	m.Letter = &deadletter.Letter{
		Refusal: refusal, Subject: m.Subject, MessageID: m.Record.MessageId, Body: m.Record.Body, SentAt: m.SentAt,
	}
}

// Decode calls decode, which reads the body of m and returns its subject. A
// [*deadletter.Refusal] refuses the message, any other error fails it, and so
// does a panic: a bug that one message trips does not fail its batch. On its last
// two receives (see nearlyExhausted) a message is refused in any case. A message
// that decode cannot read gets the subject that its body names.
func (c Consumer) Decode(ctx context.Context, m *Message, decode func() (deadletter.Subject, error)) {
	exhausted, err := nearlyExhausted(m.Record, c.MaxReceiveCount)
	if err != nil {
		m.Err, m.Subject = err, deadletter.SubjectOf(m.Record.Body)
		return
	}
	if panicked := c.Protect(ctx, "decoding a message", func() { m.Subject, err = decode() }, "message_id", m.Record.MessageId); panicked != nil {
		err = panicked
	}
	if err != nil {
		m.Subject = deadletter.SubjectOf(m.Record.Body)
	}
	var refusal *deadletter.Refusal
	switch {
	case errors.As(err, &refusal):
		m.Refuse(*refusal)
	case exhausted:
		m.Refuse(deadletter.Refusal{
			Reason: deadletter.TooManyReceives,
			Detail: "the message failed on nearly every receive; the function's log says why",
		})
	default:
		m.Err = err
	}
}

// nearlyExhausted reports whether m is received for the last time or the one
// before, of the maxReceiveCount receives that its queue allows. One receive
// remains in case sending the dead letter fails. The first receive never counts
// as one of them: with a maxReceiveCount of 2 nothing would be tried at all.
func nearlyExhausted(m events.SQSMessage, maxReceiveCount int) (bool, error) {
	count, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
	if err != nil {
		return false, fmt.Errorf("read the receive count: %w", errors.Unwrap(err))
	}
	return count >= max(2, maxReceiveCount-1), nil
}

// SendLetters sends the letters of batch to the dead-letter queue of c. A message
// whose letter is not accepted fails.
func SendLetters[M Carrier](ctx context.Context, c Consumer, batch []M) {
	var letters Outbox[*Message, queue.Message]
	for _, carrier := range batch {
		if m := carrier.message(); m.Letter != nil && m.Err == nil {
			body, attributes := m.Letter.Encode(queue.MaxBytes)
			letters.Add(m, queue.Message{Body: body, Attributes: attributes})
		}
	}
	if letters.Len() > 0 {
		letters.Post(ctx, c, "sending dead letters", c.DeadLetters.Send, func(m *Message, err error) { m.Err = err })
	}
}

// Response returns the batch item failures of batch. The list is never nil,
// because the local cloud treats null as a failure of every message.
func Response[M Carrier](batch []M) events.SQSEventResponse {
	failures := []events.SQSBatchItemFailure{}
	for _, carrier := range batch {
		if m := carrier.message(); m.Err != nil {
			failures = append(failures, events.SQSBatchItemFailure{ItemIdentifier: m.Record.MessageId})
		}
	}
	return events.SQSEventResponse{BatchItemFailures: failures}
}
