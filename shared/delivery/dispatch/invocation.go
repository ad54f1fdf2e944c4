package dispatch

import (
	"context"
	"slices"
	"sync"
	"time"
)

// linger is how long a finished attempt waits for others to share its writes.
// It is short beside the attempt timeout, and it turns the log-id reservations of
// a batch for one webhook into one.
const linger = 250 * time.Millisecond

// invocation is one invocation of the function. Its fields belong to the goroutine of
// run. Attempts, flushes and polls have goroutines of their own, which send to its
// channels.
type invocation struct {
	*Dispatcher
	taker    *taker
	backlog  []*step   // that wait for a place
	waiting  time.Time // since when: while there is a backlog, no other steps come
	flight   flight
	finished chan result

	ended    []result  // that wait for the next flush
	flushAt  time.Time // when this flush stops waiting for more results; zero before it waits
	flushing bool
	flushed  chan []settled

	missing map[*message]int // results of the messages that are not settled
	beside  sync.WaitGroup   // updates of webhooks and of taken messages, for which only the end of run waits
	numbers numbers
}

func (d *Dispatcher) newInvocation(t *taker) *invocation {
	return &invocation{
		Dispatcher: d, taker: t, flight: newFlight(), finished: make(chan result), flushed: make(chan []settled),
		missing: make(map[*message]int),
	}
}

// begin begins steps.
func (v *invocation) begin(ctx context.Context, steps []*step) {
	v.waiting = time.Now()
	v.ended = slices.Grow(v.ended, len(steps))
	for _, s := range steps {
		v.missing[s.message]++
		if s.action.requests() {
			v.backlog = append(v.backlog, s)
		} else {
			v.ended = append(v.ended, v.perform(ctx, s))
		}
	}
}

// run returns when every message is settled.
func (v *invocation) run(ctx context.Context) {
	var timer alarm
	defer timer.stop()
	for {
		wake := v.startRequests(ctx)
		wake = earliest(wake, v.startFlush(ctx))
		wake = earliest(wake, v.startPoll(ctx))
		if v.flight.inFlight == 0 && !v.flushing && !v.taker.polling {
			break // no step waits for a place, and no result for a flush
		}
		select {
		case r := <-v.finished:
			v.flight.release(r.step)
			v.ended = append(v.ended, r)
		case list := <-v.flushed:
			v.flushing = false
			v.numbers.add(list)
			v.settle(ctx, list)
		case p := <-v.taker.polled:
			v.taker.ended(time.Now(), p)
			v.notePoll(ctx, p)
			v.begin(ctx, p.steps)
		case <-timer.at(wake):
		}
	}
	v.beside.Wait()
}

// startRequests begins the steps for which there is a place, and returns when it must be
// called again although no request ended.
func (v *invocation) startRequests(ctx context.Context) (wake time.Time) {
	if len(v.backlog) == 0 {
		return time.Time{}
	}
	now, kept := time.Now(), v.backlog[:0]
	for _, s := range v.backlog {
		if v.flight.take(s, now) {
			if v.flight.inFlight == 1 {
				v.taker.wait(now)
			}
			go func() { v.finished <- v.perform(ctx, s) }()
			continue
		}
		at, leaves := v.flight.leaves(s, v.waiting)
		if leaves && !now.Before(at) {
			moved := *s
			moved.action = forward
			v.ended = append(v.ended, v.perform(ctx, &moved))
			continue
		}
		if leaves {
			wake = earliest(wake, at)
		}
		kept = append(kept, s)
	}
	v.backlog = kept
	return wake
}

// startFlush flushes the results that have ended, if a flush is due: those that end
// together share one. A fast receiver's log does not wait for the slowest receiver. It
// returns when it must be called again.
func (v *invocation) startFlush(ctx context.Context) (wake time.Time) {
	if len(v.ended) == 0 || v.flushing {
		return time.Time{}
	}
	if now := time.Now(); v.flight.inFlight > 0 {
		if v.flushAt.IsZero() {
			v.flushAt = now.Add(linger)
		}
		if now.Before(v.flushAt) {
			return v.flushAt
		}
	}
	results := v.ended
	v.ended, v.flushAt, v.flushing = nil, time.Time{}, true
	if observed := observationsOf(results); observed != nil {
		v.beside.Go(func() { v.recorder().record(ctx, observed) })
	}
	go func() {
		list := v.flush(ctx, results)
		if gone := goneOf(results); gone != nil {
			v.beside.Go(func() { v.disable(ctx, gone) }) // after the logs that say why
		}
		v.flushed <- list
	}()
	return time.Time{}
}

// startPoll takes more messages if it is time to, and returns when it must be called
// again.
func (v *invocation) startPoll(ctx context.Context) (wake time.Time) {
	t, now, free := v.taker, time.Now(), maxInFlight-v.flight.inFlight
	if t.polling || v.flight.inFlight == 0 || free == 0 || len(v.backlog) > 0 || !t.may(now) {
		return time.Time{}
	}
	if now.Before(t.next) {
		return t.next
	}
	t.polling = true
	wait := t.patience(now)
	go func() { t.polled <- v.poll(ctx, t.lane, t.source, free, wait) }()
	return time.Time{}
}

// notePoll logs the first poll of the invocation that failed. The others probably fail
// for the same reason.
func (v *invocation) notePoll(ctx context.Context, p polled) {
	if p.err != nil && !v.taker.failed {
		v.taker.failed = true
		v.Log.WarnContext(ctx, "no messages could be taken", "error", p.err.Error())
	}
}

// settle settles the messages of which list has the last results. A message with several
// deliveries has failed if one of them failed and could not be queued alone.
func (v *invocation) settle(ctx context.Context, list []settled) {
	var taken []*message
	for i := range list {
		s := &list[i]
		if s.failure != nil && !s.requeued {
			s.message.Err = s.failure
		}
		if v.missing[s.message]--; v.missing[s.message] > 0 {
			continue
		}
		delete(v.missing, s.message)
		if s.message.taken {
			taken = append(taken, s.message)
		}
		if m := s.message; m.Err != nil {
			v.Log.Log(ctx, level(m.Err), "message failed and will be received again", "message_id", m.Record.MessageId,
				"tenant_id", m.Subject.TenantID, "event_id", m.Subject.EventID, "event_type", m.Subject.EventType, "error", m.Err.Error())
		}
	}
	if len(taken) > 0 {
		v.beside.Go(func() { v.finish(ctx, v.taker.source, taken) })
	}
}

// earliest returns the earlier of two times, of which a zero one does not count.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// alarm is a timer that is set anew only when its time changes. The zero value never
// fires.
type alarm struct {
	timer *time.Timer
	set   time.Time
}

// at returns a channel that receives at the given time, or never if it is zero.
func (a *alarm) at(wake time.Time) <-chan time.Time {
	switch {
	case wake.IsZero():
		return nil
	case a.timer == nil:
		a.timer = time.NewTimer(time.Until(wake))
	case !wake.Equal(a.set):
		a.timer.Reset(time.Until(wake))
	}
	a.set = wake
	return a.timer.C
}

func (a *alarm) stop() {
	if a.timer != nil {
		a.timer.Stop()
	}
}
