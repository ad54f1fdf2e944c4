// Package deadletter describes messages that are not tried again: each goes to a
// dead-letter queue with a reason for the operator.
package deadletter

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// Refusal is the error of a message that must not be tried again.
type Refusal struct {
	Reason  Reason
	Detail  string // a sentence for the operator
	EventID string // "" when the id cannot be read
}

// Error returns the reason and the detail.
func (r *Refusal) Error() string { return string(r.Reason) + ": " + r.Detail }

// Letter is a refused message.
type Letter struct {
	Refusal
	Body string // unchanged, so that a redrive can send it again
	// SentAt is when the message was first sent. It is zero for a delivery, which
	// carries its own times.
	SentAt time.Time
}

// The names of the message attributes of a dead letter.
const (
	reasonName  = "reason"
	detailName  = "detail"
	eventIDName = "event_id"
	sentAtName  = "sent_at" // Unix milliseconds
)

// Attributes returns what the dead-letter queue stores beside the body.
func (l Letter) Attributes() map[string]string {
	attributes := map[string]string{reasonName: string(l.Reason), detailName: xmlLegal(l.Detail)}
	if l.EventID != "" {
		attributes[eventIDName] = l.EventID
	}
	if !l.SentAt.IsZero() {
		attributes[sentAtName] = strconv.FormatInt(l.SentAt.UnixMilli(), 10)
	}
	return attributes
}

// xmlLegal replaces the characters that SQS refuses in a text:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
func xmlLegal(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' || 0x20 <= r && r <= 0xD7FF || 0xE000 <= r && r <= 0xFFFD || 0x10000 <= r {
			return r
		}
		return '\uFFFD'
	}, s)
}

// Origin returns the event id and the time of sending of m. A redriven message is
// a new message to SQS: its attributes keep the original values, so that the
// event keeps its id and its bytes.
func Origin(m events.SQSMessage) (eventID string, sentAt time.Time, err error) {
	if a, has := m.MessageAttributes[eventIDName]; has && a.StringValue != nil {
		eventID = *a.StringValue
	}
	milliseconds := m.Attributes["SentTimestamp"]
	if a, has := m.MessageAttributes[sentAtName]; has && a.StringValue != nil {
		milliseconds = *a.StringValue
	}
	sent, err := strconv.ParseInt(milliseconds, 10, 64)
	if err != nil {
		return "", time.Time{}, errors.New("the message does not say when it was sent")
	}
	return eventID, time.UnixMilli(sent).UTC(), nil
}
