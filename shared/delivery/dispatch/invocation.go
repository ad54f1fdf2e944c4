package dispatch

import (
	"context"
	"sync"
	"time"
)

// linger is how long a finished attempt waits for others to share its writes.
// It is short beside the attempt timeout, and it turns the log-id reservations of
// a batch for one webhook into one.
const linger = 250 * time.Millisecond

// invocation is one invocation of the function. Its fields belong to the goroutine of
// run. Attempts and flushes have goroutines of their own, which send to its channels.
type invocation struct {
	*Dispatcher
	inFlight int // requests that are under way
	finished chan result

	ended    []result // that wait for the next flush
	lingered <-chan time.Time
	due      bool // the next flush need not wait for more results
	flushing bool
	flushed  chan []settled

	beside  sync.WaitGroup // updates of webhooks, for which only the end of run waits
	numbers numbers
}

func newInvocation(d *Dispatcher) *invocation {
	return &invocation{Dispatcher: d, finished: make(chan result), flushed: make(chan []settled)}
}

// begin plans the deliveries of in and begins their steps.
func (v *invocation) begin(ctx context.Context, in intake) {
	for _, s := range v.steps(ctx, in) {
		if !s.action.requests() {
			v.ended = append(v.ended, v.perform(ctx, s))
			continue
		}
		v.inFlight++
		go func() { v.finished <- v.perform(ctx, s) }()
	}
}

// run returns when every message is settled.
func (v *invocation) run(ctx context.Context) {
	for {
		v.startFlush(ctx)
		if v.inFlight == 0 && !v.flushing {
			break // startFlush leaves no results
		}
		select {
		case r := <-v.finished:
			v.inFlight--
			v.ended = append(v.ended, r)
		case <-v.lingered:
			v.lingered, v.due = nil, true
		case list := <-v.flushed:
			v.flushing = false
			settleMessages(list)
			v.numbers.add(list)
		}
	}
	v.beside.Wait()
}

// startFlush flushes the results that have ended, if a flush is due: those that end
// together share one. A fast receiver's log does not wait for the slowest receiver.
func (v *invocation) startFlush(ctx context.Context) {
	if len(v.ended) == 0 || v.flushing {
		return
	}
	if v.inFlight > 0 && !v.due {
		if v.lingered == nil {
			v.lingered = time.After(linger)
		}
		return
	}
	results := v.ended
	v.ended, v.lingered, v.due, v.flushing = nil, nil, false, true
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
}

// settleMessages sets Err of the messages whose deliveries failed. A message with several
// deliveries has failed if one of them failed and could not be queued alone.
func settleMessages(list []settled) {
	for i := range list {
		if s := &list[i]; s.failure != nil && !s.requeued {
			s.message.Err = s.failure
		}
	}
}
