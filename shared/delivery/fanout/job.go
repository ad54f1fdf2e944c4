package fanout

import (
	"context"
	"slices"

	"github.com/aws/aws-lambda-go/events"

	"webhooks/shared/aws/queue"
	"webhooks/shared/deadletter"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/inbound"
	"webhooks/shared/event"
	"webhooks/shared/webhook"
)

// job is one message of a batch. It is pending until it fails, is refused, or
// gets a state or an original.
type job struct {
	inbound.Message
	event   event.Event
	hash    event.Hash
	matches []int64 // ids of webhooks
	body    []byte  // nil when the body has a row of its own

	state     state
	queued    bool // at least some of its deliveries were sent
	conflicts bool // another event has the same id
	// original is the job of the same event earlier in the batch. The job succeeds
	// or fails with its original.
	original *job
}

// state is how the fan-out of an event ended.
type state int

const (
	unfinished state = iota
	fannedOut
	duplicate // the same event is already stored
	dropped   // another event has the id; see refuseConflict
)

func (j *job) pending() bool {
	return j.Open() && j.state == unfinished && j.original == nil
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

// receivedBefore reports whether this is not the first receive of the message.
func (j *job) receivedBefore() bool { return j.Record.Attributes["ApproximateReceiveCount"] != "1" }

// refuseConflict ends a job whose event has the id of another event. A producer gets a
// dead letter. A tenant could fill the operator's dead-letter queue by publishing two
// contents under one id over HTTP, and ring its alarm: such an event is dropped, with
// a line in the log and a metric. The first event with the id is the one that counts.
func (j *job) refuseConflict() {
	j.conflicts = true
	if j.event.OverHTTP {
		j.state = dropped
		return
	}
	j.Refuse(deadletter.Refusal{
		Reason: deadletter.Conflict,
		Detail: "another event of this tenant has this id; give every event an id of its own",
	})
}

// messages returns the messages that carry one delivery to every match. Each delivery is
// due when the event was sent, so that a repeated fan-out computes the same due times.
func (j *job) messages() []queue.Message {
	d := delivery.Delivery{
		Webhook: webhook.Key{TenantID: j.event.TenantID},
		Event:   j.event.Key(), Type: j.event.Type,
		Attempt: 1, Due: j.SentAt, Hash: j.hash, Body: j.body,
	}
	list := make([]queue.Message, 0, messagesFor(len(j.matches)))
	for webhooks := range slices.Chunk(j.matches, delivery.MaxDeliveries) {
		list = append(list, queue.Message{Body: d.EncodeTo(webhooks...), Group: j.event.TenantID})
	}
	return list
}

// messagesFor returns the number of messages that carry n deliveries.
func messagesFor(n int) int { return (n + delivery.MaxDeliveries - 1) / delivery.MaxDeliveries }

// decode decodes the messages of a batch.
func (f *Fanout) decode(ctx context.Context, records []events.SQSMessage) []*job {
	jobs := make([]*job, 0, len(records))
	for _, record := range records {
		j := &job{Message: inbound.Message{Record: record}}
		f.Decode(ctx, &j.Message, j.decode)
		jobs = append(jobs, j)
	}
	return jobs
}

// decode decodes the event and returns its subject. Of a redriven message, only the
// original body remains.
func (j *job) decode() (deadletter.Subject, error) {
	origin, err := deadletter.OriginOf(j.Record)
	if err != nil {
		return deadletter.Subject{}, err
	}
	j.Record.Body, j.SentAt = origin.Body, origin.SentAt
	e, err := event.Decode(event.Message{ID: j.Record.MessageId, SentAt: origin.SentAt, EventID: origin.EventID, Body: []byte(origin.Body)})
	j.event = e
	return deadletter.Subject{TenantID: e.TenantID, EventID: e.ID, EventType: string(e.Type)}, err
}
