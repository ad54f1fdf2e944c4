// Package deadletter describes messages that are not tried again: each goes to a
// dead-letter queue with a reason for the operator.
package deadletter

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Refusal is the error of a message that must not be tried again.
type Refusal struct {
	Reason Reason
	Detail string // a sentence for the operator
}

// Error returns the reason and the detail.
func (r *Refusal) Error() string { return string(r.Reason) + ": " + r.Detail }

// Letter is a refused message.
type Letter struct {
	Refusal
	Subject
	MessageID string // the queue's id of the message
	Body      string
	// SentAt is when the message was first sent. It is zero for a delivery, which
	// carries its own times.
	SentAt time.Time
}

// The names of the message attributes of a dead letter. Only the functions can write
// to a dead-letter queue. A message that SQS itself moved there has the attributes of
// its producer, who may use the same names, and is told apart by the system attribute
// DeadLetterQueueSourceArn.
const (
	reasonName    = "reason"
	detailName    = "detail"
	tenantIDName  = "tenant_id"
	eventIDName   = "event_id"
	eventTypeName = "event_type"
	messageIDName = "message_id"
	sentAtName    = "sent_at" // Unix milliseconds
	// alteredName says how the body differs from the message. A letter with it cannot
	// be sent back.
	alteredName = "altered"
)

// maxDetail is the largest size of a detail, in bytes. A detail may quote the message.
const maxDetail = 1 << 10

// attributeType is the type of every attribute.
const attributeType = "String"

// Encode returns l as a message of SQS: the body, and the attributes, all of type
// String. The body is unchanged, so that a redrive can send it again, unless SQS does
// not take it: it is cut if the message would have more than limit bytes as SQS counts
// them (the body, and the name, type and value of each attribute), and characters that
// SQS refuses are replaced. The attribute altered then says so.
func (l Letter) Encode(limit int) (body string, attributes map[string]string) {
	attributes = map[string]string{reasonName: string(l.Reason)}
	for name, value := range map[string]string{
		detailName: cut(legal(l.Detail), maxDetail), messageIDName: l.MessageID,
		tenantIDName: l.TenantID, eventIDName: l.EventID, eventTypeName: l.EventType,
	} {
		if value != "" { // SQS refuses an empty value
			attributes[name] = value
		}
	}
	if !l.SentAt.IsZero() {
		attributes[sentAtName] = strconv.FormatInt(l.SentAt.UnixMilli(), 10)
	}
	body, altered := fit(l.Body, limit-size(attributes))
	if altered != "" {
		attributes[alteredName] = altered
	}
	return body, attributes
}

// alteredRoom is the room that the attribute altered needs, in bytes.
const alteredRoom = 200

// fit returns body as SQS takes it. The body and altered, which says what changed,
// together take at most room bytes.
func fit(body string, room int) (fitting, altered string) {
	var changes []string
	fitting = legal(body)
	if fitting != body {
		changes = append(changes, "characters that SQS refuses are replaced")
	}
	if body == "" {
		fitting, changes = " ", append(changes, "the message was empty")
	}
	if len(fitting) > room || len(changes) > 0 && len(fitting) > room-alteredRoom {
		fitting = cut(fitting, room-alteredRoom)
		changes = append(changes, fmt.Sprintf("cut from %d bytes to %d", len(body), len(fitting)))
	}
	return fitting, strings.Join(changes, "; ")
}

// size returns the size of attributes as SQS counts it, in bytes.
func size(attributes map[string]string) int {
	sum := 0
	for name, value := range attributes {
		sum += len(name) + len(attributeType) + len(value)
	}
	return sum
}

// cut returns the longest prefix of s of at most limit bytes that ends with a whole
// character.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// legal replaces the characters that SQS refuses in a text:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
func legal(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' || 0x20 <= r && r <= 0xD7FF || 0xE000 <= r && r <= 0xFFFD || 0x10000 <= r {
			return r
		}
		return '\uFFFD'
	}, s)
}
