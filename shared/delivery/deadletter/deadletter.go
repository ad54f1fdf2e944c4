// Package deadletter sets aside messages that can never be processed, each
// with a reason that an operator understands.
package deadletter

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/aws/queue"
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
	// SentAt is when the message was first sent; zero when that is not known.
	SentAt time.Time
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
		if !letter.SentAt.IsZero() {
			attributes["sent_at"] = strconv.FormatInt(letter.SentAt.UnixMilli(), 10)
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

// Origin returns the event id and the time of sending of m. A message that was
// sent back from the dead letters is a new one to SQS, and its attributes say
// what it was at first: so its event keeps its id and its bytes.
func Origin(m events.SQSMessage) (eventID string, sentAt time.Time, err error) {
	if a, has := m.MessageAttributes["event_id"]; has && a.StringValue != nil {
		eventID = *a.StringValue
	}
	milliseconds := m.Attributes["SentTimestamp"]
	if a, has := m.MessageAttributes["sent_at"]; has && a.StringValue != nil {
		milliseconds = *a.StringValue
	}
	sent, err := strconv.ParseInt(milliseconds, 10, 64)
	if err != nil {
		return "", time.Time{}, errors.New("the message does not say when it was sent")
	}
	return eventID, time.UnixMilli(sent).UTC(), nil
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
