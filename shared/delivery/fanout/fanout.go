// Package fanout turns events into deliveries: one for every webhook of the
// tenant that is enabled and subscribed to the event's type.
//
// The order of the steps keeps accepted events from being lost. An event is
// stored after its deliveries are queued, so that a crash in between repeats
// the fan-out. Messages that can never succeed go to the dead-letter queue with
// a reason.
package fanout

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/sync/errgroup"

	"webhooks/shared/aws/metric"
	"webhooks/shared/delivery/inbound"
	"webhooks/shared/event"
	"webhooks/shared/event/eventdb"
	"webhooks/shared/webhook"
)

// Reader reads the subscriptions of tenants and the hashes of stored events.
// [Tables] implements it.
type Reader interface {
	Read(ctx context.Context, tenantIDs []string, keys []event.Key, now time.Time) Rows
}

// Events stores events.
type Events interface {
	PutBody(ctx context.Context, e event.Event, now time.Time) error
	CreateMany(ctx context.Context, list []eventdb.Matched, now time.Time) (results []error, refused error)
}

// Fanout handles batches of the events queue.
type Fanout struct {
	inbound.Consumer
	Tables Reader
	Events Events
	// Deliveries is the deliveries queue.
	Deliveries inbound.Queue
	Now        func() time.Time
	// Metrics gets one line for each batch. nil writes no metrics.
	Metrics *metric.Writer
}

// maxBodies is how many large bodies are written at the same time.
const maxBodies = 10

// Handle fans out the events of batch. Its response names the messages that
// failed with our own error: Lambda receives them again.
func (f *Fanout) Handle(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	now := f.Now()
	jobs := f.decode(ctx, batch.Records)
	rows := f.read(ctx, jobs, now)
	match(jobs, rows.Indexes)
	findDuplicates(jobs, rows.Hashes)
	f.putLargeBodies(ctx, jobs, now)
	for _, window := range windows(pending(jobs)) {
		f.fanOut(ctx, window, now)
	}
	settleCopies(jobs)
	f.keepBodies(ctx, jobs, now)
	inbound.SendLetters(ctx, f.Consumer, jobs)
	f.logAll(ctx, jobs)
	f.measure(jobs)
	return inbound.Response(jobs), nil
}

// read reads the rows of all pending jobs in one request. It fails the jobs whose
// own rows could not be read.
func (f *Fanout) read(ctx context.Context, jobs []*job, now time.Time) Rows {
	var tenants []string
	var keys []event.Key
	for _, j := range pending(jobs) {
		tenants, keys = append(tenants, j.event.TenantID), append(keys, j.event.Key())
	}
	if len(keys) == 0 {
		return Rows{}
	}
	rows := f.Tables.Read(ctx, tenants, keys, now)
	for _, j := range pending(jobs) {
		if j.Err = rows.HashErrors[j.event.Key()]; j.Err == nil {
			j.Err = rows.IndexErrors[j.event.TenantID]
		}
	}
	return rows
}

// match finds the webhooks of every event.
func match(jobs []*job, indexes map[string]webhook.Index) {
	for _, j := range pending(jobs) {
		j.matches = indexes[j.event.TenantID].Match(j.event.Type)
	}
}

// findDuplicates compares each event with the stored event of the same id, and
// with an earlier event of the batch that has the same id. Equal events are
// duplicates, different events are conflicts.
func findDuplicates(jobs []*job, stored map[event.Key]event.Hash) {
	first := make(map[event.Key]*job)
	for _, j := range pending(jobs) {
		key := j.event.Key()
		j.hash = j.event.Hash()
		switch hash, isStored := stored[key]; {
		case isStored && hash == j.hash:
			j.state = duplicate
		case isStored:
			j.refuseConflict()
		case first[key] == nil:
			first[key] = j
		case first[key].hash == j.hash:
			j.original = first[key]
		default:
			j.refuseConflict()
		}
	}
}

// putLargeBodies stores large bodies in rows of their own before deliveries
// refer to them.
func (f *Fanout) putLargeBodies(ctx context.Context, jobs []*job, now time.Time) {
	var large []*job
	for _, j := range pending(jobs) {
		j.body = j.event.Body()
		if len(j.matches) > 0 && len(j.body) > eventdb.InlineBody {
			large = append(large, j)
		}
	}
	each(large, func(j *job) {
		if j.Err = f.Events.PutBody(ctx, j.event, now); j.Err == nil {
			j.body = nil
		}
	})
}

// keepBodies stores the body of a conflicting event in a row of its own if
// deliveries of the event are queued: their retries read the body for days. An
// earlier receive of the message that did not finish may have queued them.
func (f *Fanout) keepBodies(ctx context.Context, jobs []*job, now time.Time) {
	var conflicts []*job
	for _, j := range jobs {
		queued := j.queued && j.body != nil || j.receivedBefore()
		if j.conflicts && queued && len(j.matches) > 0 {
			conflicts = append(conflicts, j)
		}
	}
	each(conflicts, func(j *job) { j.Err = f.Events.PutBody(ctx, j.event, now) })
}

// settleCopies gives each copy of an event in the batch what its original became: a
// failure, or a conflict, if another event took the id meanwhile.
func settleCopies(jobs []*job) {
	for _, j := range jobs {
		switch original := j.original; {
		case original == nil:
		case original.Err != nil:
			j.Err = original.Err
		case original.conflicts:
			j.refuseConflict()
		}
	}
}

// each calls do for every job, up to maxBodies at the same time.
func each(jobs []*job, do func(*job)) {
	var group errgroup.Group
	group.SetLimit(maxBodies)
	for _, j := range jobs {
		group.Go(func() error {
			do(j)
			return nil
		})
	}
	_ = group.Wait() // do records errors in the jobs
}
