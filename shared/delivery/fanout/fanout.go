// Package fanout turns events into deliveries: one for every webhook of the
// tenant that is enabled and subscribed to the event's type.
//
// The order of its steps is what keeps an accepted event from being lost. An
// event is stored only after its deliveries are queued, so that a crash in
// between repeats the fan-out; and what can never succeed is set aside with
// its reason.
package fanout

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/sync/errgroup"

	"webhooks/shared/aws/metric"
	"webhooks/shared/aws/queue"
	"webhooks/shared/deadletter"
	"webhooks/shared/event"
	"webhooks/shared/event/eventdb"
	"webhooks/shared/webhook"
)

// Reader reads what the fan-out has to know before it queues deliveries. [Tables]
// implements it.
type Reader interface {
	Read(ctx context.Context, tenantIDs []string, keys []event.Key, now time.Time) (Rows, error)
}

// Events is where events are stored.
type Events interface {
	PutBody(ctx context.Context, e event.Event, now time.Time) error
	CreateMany(ctx context.Context, list []eventdb.Matched, now time.Time) (results []error, refused error)
}

// Deliveries is the queue of deliveries.
type Deliveries interface {
	Send(ctx context.Context, messages []queue.Message) []error
}

// DeadLetters is the queue of events that can never be delivered.
type DeadLetters interface {
	Send(ctx context.Context, letters []deadletter.Letter) []error
}

// Fanout handles batches of the events queue.
type Fanout struct {
	Log         *slog.Logger
	Tables      Reader
	Events      Events
	Deliveries  Deliveries
	DeadLetters DeadLetters
	// MaxReceiveCount is that of the events queue.
	MaxReceiveCount int
	Now             func() time.Time
	// Metrics gets one line per batch; nil measures nothing.
	Metrics *metric.Writer

	// decode replaces event.Decode in a test of a panic.
	decode func(event.Message) (event.Event, error)
}

// bodies is how many large bodies are written at once.
const bodies = 10

// Handle fans out the events of batch. It answers the messages that failed for
// a reason of ours and are to be received again; the list is never nil,
// because the local cloud takes null for a failure of everything.
func (f *Fanout) Handle(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	now := f.Now()
	jobs := f.read(ctx, batch.Records)
	if rows, read := f.look(ctx, jobs, now); read {
		match(jobs, rows.Indexes)
		recognise(jobs, rows.Hashes)
	}
	f.putBodies(ctx, jobs, now)
	for _, window := range windows(pending(jobs)) {
		f.fanOut(ctx, window, now)
	}
	f.keepBodies(ctx, jobs, now)
	f.setAside(ctx, jobs)
	f.logAll(ctx, jobs)
	response := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for _, j := range jobs {
		if j.failure() != nil {
			response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: j.record.MessageId})
		}
	}
	f.measure(jobs)
	return response, nil
}

// look reads what is stored about the events: one request for all tenants and
// both tables. It reports whether there is anything to go on with.
func (f *Fanout) look(ctx context.Context, jobs []*job, now time.Time) (Rows, bool) {
	var tenants []string
	var keys []event.Key
	for _, j := range pending(jobs) {
		tenants, keys = append(tenants, j.event.TenantID), append(keys, j.event.Key())
	}
	if len(keys) == 0 {
		return Rows{}, false
	}
	rows, err := f.Tables.Read(ctx, tenants, keys, now)
	if err != nil {
		for _, j := range pending(jobs) {
			j.err = err
		}
	}
	return rows, err == nil
}

// match finds the webhooks of every event.
func match(jobs []*job, indexes map[string]webhook.Index) {
	for _, j := range pending(jobs) {
		j.matches = indexes[j.event.TenantID].Match(j.event.Type)
	}
}

// recognise tells new events from known ones, in the table and in the batch
// itself: two messages with one id in one batch must not fail each other.
func recognise(jobs []*job, known map[event.Key]event.Hash) {
	first := make(map[event.Key]*job)
	for _, j := range pending(jobs) {
		key := j.event.Key()
		j.hash = j.event.Hash()
		switch stored, isKnown := known[key]; {
		case isKnown && stored == j.hash:
			j.done = duplicate
		case isKnown:
			j.conflict()
		case first[key] == nil:
			first[key] = j
		case first[key].hash == j.hash:
			j.same = first[key]
		default:
			j.conflict()
		}
	}
}

// putBodies gives large bodies their own rows before a delivery refers to them.
func (f *Fanout) putBodies(ctx context.Context, jobs []*job, now time.Time) {
	var large []*job
	for _, j := range pending(jobs) {
		j.body = j.event.Body()
		if len(j.matches) > 0 && len(j.body) > eventdb.InlineBody {
			large = append(large, j)
		}
	}
	each(large, func(j *job) {
		if j.err = f.Events.PutBody(ctx, j.event, now); j.err == nil {
			j.body = nil
		}
	})
}

// keepBodies gives the body of an event whose id another event took a row of
// its own, if deliveries of it are queued, or may be since a receive of the
// message that broke off: their retries read the body for days.
func (f *Fanout) keepBodies(ctx context.Context, jobs []*job, now time.Time) {
	var lost []*job
	for _, j := range jobs {
		queued := j.queued && j.body != nil || j.receivedBefore()
		if j.conflicting && queued && len(j.matches) > 0 {
			lost = append(lost, j)
		}
	}
	each(lost, func(j *job) { j.err = f.Events.PutBody(ctx, j.event, now) })
}

// setAside sends the dead letters.
func (f *Fanout) setAside(ctx context.Context, jobs []*job) {
	var letters []deadletter.Letter
	var owners []*job
	for _, j := range jobs {
		if j.letter != nil && j.err == nil {
			letters = append(letters, *j.letter)
			owners = append(owners, j)
		}
	}
	if len(letters) == 0 {
		return
	}
	for i, err := range f.DeadLetters.Send(ctx, letters) {
		owners[i].err = err
	}
}

// each calls do for every job, some at once.
func each(jobs []*job, do func(*job)) {
	var group errgroup.Group
	group.SetLimit(bodies)
	for _, j := range jobs {
		group.Go(func() error {
			do(j)
			return nil
		})
	}
	// What failed is written in the jobs: the group itself never fails.
	_ = group.Wait()
}
