package fanout

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/deadletter"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/inbound"
	"webhooks/shared/event"
	"webhooks/shared/webhook"
)

// job is one message of a batch on its way through the steps. It is pending
// until it fails, is set aside or is done.
type job struct {
	record  events.SQSMessage
	sentAt  time.Time
	event   event.Event
	hash    event.Hash
	matches []int64
	body    []byte // nil when it has a row of its own

	err    error              // our own failure: the message is received again
	letter *deadletter.Letter // it can never be delivered
	done   outcome
	queued bool // its deliveries were sent, or some of them
	// conflicting says that another event has its id.
	conflicting bool
	// same is the job of the same event earlier in the batch, whose fate this
	// one shares.
	same *job
}

type outcome string

const (
	fannedOut outcome = "fanned_out"
	duplicate outcome = "duplicate"
)

func (j *job) pending() bool {
	return j.err == nil && j.letter == nil && j.done == "" && j.same == nil
}

func pending(jobs []*job) []*job {
	var list []*job
	for _, j := range jobs {
		if j.pending() {
			list = append(list, j)
		}
	}
	return list
}

// failure returns why the message is to be received again, or nil.
func (j *job) failure() error {
	if j.same != nil {
		return j.same.failure()
	}
	return j.err
}

// receivedBefore reports whether an earlier receive of the message broke off.
func (j *job) receivedBefore() bool { return j.record.Attributes["ApproximateReceiveCount"] != "1" }

func (j *job) setAside(refusal deadletter.Refusal) {
	j.letter = &deadletter.Letter{Refusal: refusal, Body: j.record.Body, SentAt: j.sentAt}
}

func (j *job) conflict() {
	j.conflicting = true
	j.setAside(deadletter.Refusal{
		Reason:  deadletter.Conflict,
		Detail:  "another event of this tenant has this id; give every event an id of its own",
		EventID: j.event.ID,
	})
}

// deliveries returns one delivery for every match. They are due when the
// event was sent, so that a repeated fan-out computes the same due times.
func (j *job) deliveries() []delivery.Delivery {
	list := make([]delivery.Delivery, 0, len(j.matches))
	for _, id := range j.matches {
		list = append(list, delivery.Delivery{
			Webhook: webhook.Key{TenantID: j.event.TenantID, ID: id},
			Event:   j.event.Key(), Type: j.event.Type,
			Attempt: 1, Due: j.sentAt, Hash: j.hash, Body: j.body,
		})
	}
	return list
}

// read decodes the messages of a batch.
func (f *Fanout) read(ctx context.Context, records []events.SQSMessage) []*job {
	jobs := make([]*job, 0, len(records))
	for _, record := range records {
		j := &job{record: record}
		f.readOne(ctx, j)
		jobs = append(jobs, j)
	}
	return jobs
}

func (f *Fanout) readOne(ctx context.Context, j *job) {
	exhausted, err := inbound.NearlyExhausted(j.record, f.MaxReceiveCount)
	if err != nil {
		j.err = err
		return
	}
	err = f.decodeOne(ctx, j)
	var refusal *deadletter.Refusal
	switch {
	case errors.As(err, &refusal):
		j.setAside(*refusal)
	case exhausted:
		j.setAside(deadletter.Refusal{
			Reason:  deadletter.TooManyReceives,
			Detail:  "fanning the event out failed again and again; the fanout function's log says why",
			EventID: j.event.ID,
		})
	default:
		j.err = err
	}
}

// decodeOne reads the event of j. A message that trips a bug of ours fails
// alone, and not the whole batch again and again.
func (f *Fanout) decodeOne(ctx context.Context, j *job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
			f.Log.ErrorContext(ctx, "panic while reading an event", "message_id", j.record.MessageId, "stack", string(debug.Stack()))
		}
	}()
	eventID, sentAt, err := deadletter.Origin(j.record)
	if err != nil {
		return err
	}
	j.sentAt = sentAt
	decode := event.Decode
	if f.decode != nil {
		decode = f.decode
	}
	j.event, err = decode(event.Message{ID: j.record.MessageId, SentAt: sentAt, EventID: eventID, Body: []byte(j.record.Body)})
	return err
}

// logAll writes one line about the events of a batch that were fanned out, and
// one about each message that was not: CloudWatch bills the bytes, and what every
// line repeats is most of them.
func (f *Fanout) logAll(ctx context.Context, jobs []*job) {
	var list []logged
	for _, j := range jobs {
		if j.done == fannedOut && j.failure() == nil && j.letter == nil {
			list = append(list, logged{j.event.TenantID, j.event.ID, j.event.Type, len(j.matches)})
			continue
		}
		f.logJob(ctx, j)
	}
	if len(list) > 0 {
		f.Log.LogAttrs(ctx, slog.LevelInfo, "events fanned out", slog.Any("events", list))
	}
}

// logged is an event in the line about a batch.
type logged struct {
	TenantID string     `json:"tenant_id"`
	EventID  string     `json:"event_id"`
	Type     event.Type `json:"event_type"`
	Webhooks int        `json:"webhooks"`
}

// logJob writes one line about a message that was not fanned out.
func (f *Fanout) logJob(ctx context.Context, j *job) {
	attributes := []slog.Attr{
		slog.String("message_id", j.record.MessageId),
		slog.String("tenant_id", j.event.TenantID), slog.String("event_id", j.event.ID),
		slog.String("event_type", string(j.event.Type)),
	}
	switch err := j.failure(); {
	case err != nil:
		f.Log.LogAttrs(ctx, slog.LevelError, "event failed", append(attributes, slog.String("error", err.Error()))...)
	case j.letter != nil:
		// Its detail may quote the event, and is in the queue beside it.
		f.Log.LogAttrs(ctx, slog.LevelWarn, "event set aside", append(attributes, slog.String("reason", string(j.letter.Reason)))...)
	default:
		f.Log.LogAttrs(ctx, slog.LevelInfo, "event is a duplicate", attributes...)
	}
}
