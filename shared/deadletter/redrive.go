package deadletter

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"
)

// Origin is a message of the events queue as it was sent first.
type Origin struct {
	// EventID is the id of the event before a redrive, or "". An event without an id of
	// its own keeps it.
	EventID string
	SentAt  time.Time
	Body    string
}

// redriven is the body of a message that `make redrive` sends. The message has a new
// id and a new time of sending; the original ones are in the body, so that the event
// keeps its id and its bytes.
type redriven struct {
	Format  int     `json:"redrive"`
	EventID *string `json:"event_id"` // it may be empty
	SentAt  *int64  `json:"sent_at"`  // Unix milliseconds
	Body    string  `json:"body"`     // the original body
}

// complete reports whether r has all members, and a body as SQS takes it: the original
// body was a message of SQS. A character that SQS refuses can be escaped in the form,
// and no delivery with it could be queued.
func (r redriven) complete() bool {
	return r.EventID != nil && r.SentAt != nil && r.Body != "" && legal(r.Body) == r.Body
}

// redrivenPrefix is how the body of a redriven message begins. No event begins like
// this: an event has no member redrive.
const redrivenPrefix = `{"redrive":1,`

// maxAge is how long before its redrive a message can have been sent: it waited up to
// 14 days in each of its two queues.
const maxAge = 28 * 24 * time.Hour

var errNoTime = errors.New("the message does not say when it was sent")

// OriginOf returns the origin of m.
//
// A producer steers nothing but by the body of its message: message attributes are
// never read. A producer may send the body of a redriven message too, because both
// need no more than sqs:SendMessage on the events queue. It gains nothing by it: the
// id is checked as an id that the producer writes into its event, and the time is held
// between 28 days before the message was sent and that moment, as SQS wrote it, so it
// can only make an event older, as the timestamp that a producer may give. The event in
// the body is checked like any other. A body that has not exactly this form is an
// event with an unknown member, which is refused. So no key is needed that only
// operators have.
func OriginOf(m events.SQSMessage) (Origin, error) {
	sent, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64)
	if err != nil {
		return Origin{}, errNoTime
	}
	origin := Origin{SentAt: time.UnixMilli(sent).UTC(), Body: m.Body}
	if !strings.HasPrefix(m.Body, redrivenPrefix) {
		return origin, nil
	}
	var r redriven
	if json.Unmarshal([]byte(m.Body), &r, json.RejectUnknownMembers(true)) != nil || !r.complete() {
		return origin, nil
	}
	oldest := origin.SentAt.Add(-maxAge)
	if first := time.UnixMilli(*r.SentAt).UTC(); first.Before(oldest) {
		origin.SentAt = oldest
	} else if first.Before(origin.SentAt) {
		origin.SentAt = first
	}
	origin.EventID, origin.Body = *r.EventID, r.Body
	return origin, nil
}
