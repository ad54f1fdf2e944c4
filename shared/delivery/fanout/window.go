package fanout

import (
	"context"
	"errors"
	"time"

	"webhooks/shared/aws/queue"
	"webhooks/shared/event/eventdb"
)

const (
	// windowBytes is how much delivery messages may weigh before they are sent:
	// ten events of 32 KiB to a thousand webhooks are 320 MiB, more memory than
	// the function has.
	windowBytes = 16 << 20
	// messageBytes is about what a delivery message takes beside the body.
	messageBytes = 512
	// windowTime is the time that has to be left to start a window. A function
	// that runs out of time in the middle of its sends sends them all again.
	windowTime = 10 * time.Second
)

var errTooLate = errors.New("too little time was left to fan the event out")

// windows splits jobs so that the delivery messages of each part, but for a
// single large event, stay below windowBytes.
func windows(jobs []*job) [][]*job {
	var list [][]*job
	bytes := 0
	for i, j := range jobs {
		size := len(j.matches) * (messageBytes + len(j.body))
		if i == 0 || bytes+size > windowBytes {
			list, bytes = append(list, nil), 0
		}
		last := len(list) - 1
		list[last], bytes = append(list[last], j), bytes+size
	}
	return list
}

// fanOut queues and stores the events of a window. Windows are done one after
// the other, so that what is done stays done when time runs out.
func (f *Fanout) fanOut(ctx context.Context, window []*job, now time.Time) {
	if deadline, has := ctx.Deadline(); has && time.Until(deadline) < windowTime {
		for _, j := range window {
			j.err = errTooLate
		}
		return
	}
	f.send(ctx, window)
	f.store(ctx, pending(window), now)
}

// send queues one delivery for every match, the deliveries of all events
// together so that they share requests.
func (f *Fanout) send(ctx context.Context, jobs []*job) {
	var messages []queue.Message
	var owners []*job
	for _, j := range jobs {
		j.queued = true
		for _, d := range j.deliveries() {
			messages = append(messages, queue.Message{Body: d.Encode(), Group: d.Webhook.TenantID})
			owners = append(owners, j)
		}
	}
	if len(messages) == 0 {
		return
	}
	for i, err := range f.Deliveries.Send(ctx, messages) {
		if err != nil {
			owners[i].err = err
		}
	}
}

// store keeps the events whose deliveries are queued.
func (f *Fanout) store(ctx context.Context, jobs []*job, now time.Time) {
	list := make([]eventdb.Matched, 0, len(jobs))
	for _, j := range jobs {
		list = append(list, eventdb.Matched{Event: j.event, Webhooks: j.matches})
	}
	results, refused := f.Events.CreateMany(ctx, list, now)
	if refused != nil {
		f.Log.ErrorContext(ctx, "events are stored one by one, which takes longer and costs more", "error", refused.Error())
	}
	for i, err := range results {
		if errors.Is(err, eventdb.ErrConflict) {
			// Another event took the id since we looked.
			jobs[i].conflict()
			continue
		}
		jobs[i].err = err
		jobs[i].done = fannedOut
	}
}
