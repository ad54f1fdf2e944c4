package fanout

import (
	"context"
	"errors"
	"time"

	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery/inbound"
	"webhooks/shared/event/eventdb"
)

const (
	// windowBytes limits the delivery messages of a window, in bytes. Ten events of 32 KiB
	// to a thousand webhooks are 31 MiB, and several times as much as requests of the SDK.
	windowBytes = 16 << 20
	// messageBytes is about the size of a delivery message without its body.
	messageBytes = 512
	// windowTime is the time that must be left to start a window. A function that
	// times out while it sends repeats all of its sends.
	windowTime = 10 * time.Second
)

var errTooLate = errors.New("too little time was left to fan the event out")

// windows splits jobs so that the delivery messages of each window take at most
// windowBytes.
func windows(jobs []*job) [][]*job {
	var list [][]*job
	bytes := 0
	for i, j := range jobs {
		size := messagesFor(len(j.matches)) * (messageBytes + len(j.body))
		if i == 0 || bytes+size > windowBytes {
			list, bytes = append(list, nil), 0
		}
		last := len(list) - 1
		list[last], bytes = append(list[last], j), bytes+size
	}
	return list
}

// fanOut queues and stores the events of a window. Windows run one after the
// other, so that a finished window stays finished when time runs out.
func (f *Fanout) fanOut(ctx context.Context, window []*job, now time.Time) {
	if deadline, has := ctx.Deadline(); has && time.Until(deadline) < windowTime {
		for _, j := range window {
			j.Err = errTooLate
		}
		return
	}
	f.send(ctx, window)
	f.store(ctx, pending(window), now)
}

// send queues one delivery for every match. The messages of all events share requests.
func (f *Fanout) send(ctx context.Context, jobs []*job) {
	var messages inbound.Outbox[*job, queue.Message]
	for _, j := range jobs {
		j.queued = true
		for _, m := range j.messages() {
			messages.Add(j, m)
		}
	}
	messages.Post(ctx, f.Consumer, "queueing deliveries", f.Deliveries.Send, func(j *job, err error) {
		if err != nil {
			j.Err = err
		}
	})
}

// store stores the events whose deliveries are queued.
func (f *Fanout) store(ctx context.Context, jobs []*job, now time.Time) {
	var rows inbound.Outbox[*job, eventdb.Matched]
	for _, j := range jobs {
		rows.Add(j, eventdb.Matched{Event: j.event, Webhooks: j.matches})
	}
	create := func(ctx context.Context, list []eventdb.Matched) []error {
		results, refused := f.Events.CreateMany(ctx, list, now)
		if refused != nil {
			f.Log.ErrorContext(ctx, "events are stored one by one, which takes longer and costs more", "error", refused.Error())
		}
		return results
	}
	rows.Post(ctx, f.Consumer, "storing events", create, func(j *job, err error) {
		if errors.Is(err, eventdb.ErrConflict) {
			// Another event took the id after the read.
			j.refuseConflict()
			return
		}
		if j.Err = err; err == nil {
			j.state = fannedOut
		}
	})
}
