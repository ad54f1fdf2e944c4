// Package inbound is what the two functions that read SQS queues share.
package inbound

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/aws/queue"
	"webhooks/shared/deadletter"
)

// DeadLetters is a dead-letter queue that functions send to themselves.
type DeadLetters struct{ queue *queue.Queue }

// NewDeadLetters returns the dead-letter queue q.
func NewDeadLetters(q *queue.Queue) *DeadLetters { return &DeadLetters{q} }

// Send sends letters and returns an error for each of them, nil where it was
// accepted. A message within some hundred bytes of SQS's 1 MiB has no room for
// its attributes: it fails here, and SQS moves it when its receives run out.
func (d *DeadLetters) Send(ctx context.Context, letters []deadletter.Letter) []error {
	messages := make([]queue.Message, 0, len(letters))
	for _, letter := range letters {
		messages = append(messages, queue.Message{Body: letter.Body, Attributes: letter.Attributes()})
	}
	return d.queue.Send(ctx, messages)
}

// NearlyExhausted reports whether m was received for nearly the last time
// before its queue, which allows maxReceiveCount receives, gives it up. It never
// is on the first receive: with a count of 2 it would never be tried.
func NearlyExhausted(m events.SQSMessage, maxReceiveCount int) (bool, error) {
	count, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
	if err != nil {
		return false, fmt.Errorf("read the receive count: %w", errors.Unwrap(err))
	}
	// One receive is left for the case that sending the letter fails.
	return count >= max(2, maxReceiveCount-1), nil
}
