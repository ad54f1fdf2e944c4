// Package deadletter sets aside messages that can never be processed, each
// with a reason that an operator understands.
package deadletter

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/queue"
)

// TooManyReceives is the reason of a message that failed, without a reason of
// its own, nearly as often as its queue allows. SQS would move it too, but
// could not say why.
const TooManyReceives = "too_many_receives"

// Letter is a message to set aside.
type Letter struct {
	Body    string // untouched, so that it can be sent again once it is mended
	Reason  string // one word
	Detail  string // a sentence for the operator
	EventID string // "" when it could not be read
}

// Queue is a dead-letter queue that functions send to themselves.
type Queue struct{ queue *queue.Queue }

// New returns the dead-letter queue q.
func New(q *queue.Queue) *Queue { return &Queue{q} }

// Send sets letters aside and returns an error for each, nil where it was
// accepted. A message within some hundred bytes of SQS's 1 MiB has no room for
// its reason: it fails here, and SQS itself moves it when its receives run out.
func (d *Queue) Send(ctx context.Context, letters []Letter) []error {
	messages := make([]queue.Message, 0, len(letters))
	for _, letter := range letters {
		attributes := map[string]string{"reason": letter.Reason, "detail": xmlLegal(letter.Detail)}
		if letter.EventID != "" {
			attributes["event_id"] = letter.EventID
		}
		messages = append(messages, queue.Message{Body: letter.Body, Attributes: attributes})
	}
	return d.queue.Send(ctx, messages)
}

// xmlLegal replaces what SQS refuses in a text:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
func xmlLegal(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' || 0x20 <= r && r <= 0xD7FF || 0xE000 <= r && r <= 0xFFFD || 0x10000 <= r {
			return r
		}
		return '\uFFFD'
	}, s)
}

// NearlyExhausted reports whether m was received for nearly the last time
// before its queue, which allows maxReceiveCount receives, gives it up. The
// first receive never is, or with a count of 2 nothing would be tried at all.
func NearlyExhausted(m events.SQSMessage, maxReceiveCount int) (bool, error) {
	count, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
	if err != nil {
		return false, fmt.Errorf("read the receive count: %w", errors.Unwrap(err))
	}
	// One receive is left for the case that sending the letter fails.
	return count >= max(2, maxReceiveCount-1), nil
}
