package main

import (
	"container/heap"
	"math/rand/v2"
	"slices"
	"time"
)

// The durations of the simulation, in seconds: our own as measured on the local
// stack, rounded up, and a receiver on the internet.
const (
	simOverhead = 0.05 // an invocation, without its attempts
	simFast     = 0.10 // an attempt that is answered, also with a failure
	simSlow     = 15.0
	simWindow   = 5.0 // of the slow mapping
	simBatch    = 10
	simPacked   = 100
	simRetry    = 5.0  // the first wait of the schedule; the next is beyond the end
	simMark     = 3.0  // in flight: see webhook.SlowAfter
	simBefore   = 20.0 // seconds in which all receivers answer at once
)

// scenario is a system and what goes wrong in it at time 0.
type scenario struct {
	webhooks int
	rate     float64 // events a second, all webhooks together but the troubled ones
	slow     int     // webhooks that take 15 s from time 0 on
	failing  int     // webhooks that fail from time 0 on
	trouble  float64 // events a second of each of these
	normal   int     // concurrency of the normal lane
	packed   int     // of the slow lane; 0: there is none
	seconds  float64
}

// outcome is what the other webhooks saw.
type outcome struct {
	samples []sample // by publishing time from time 0 on; before is negative
	held    int      // the most normal invocations that a slow attempt held at once
	backlog int      // deliveries left in the slow queue
}

type simEvent struct {
	at     float64
	happen func()
}

// timeline is a heap of what will happen.
type timeline []simEvent

func (h timeline) Len() int           { return len(h) }
func (h timeline) Less(i, j int) bool { return h[i].at < h[j].at }
func (h timeline) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *timeline) Push(x any)        { *h = append(*h, x.(simEvent)) }
func (h *timeline) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// simDelivery is a message of either queue.
type simDelivery struct {
	webhook   int
	published float64
	retry     bool // of a slow attempt
}

// simulation is a scenario on its way.
type simulation struct {
	scenario
	now          float64
	future       timeline
	normalQueue  []simDelivery
	slowQueue    []simDelivery
	free         []int // normal instances
	freeSlow     int
	streaks      []map[int]int // of each normal instance, by webhook
	marked       map[int]bool
	seen         map[int]float64 // when a slow attempt was noted
	heldNow      int
	windowIsOpen bool
	outcome      outcome
}

func simulate(s scenario) outcome {
	x := &simulation{scenario: s, now: -simBefore, freeSlow: s.packed, marked: make(map[int]bool), seen: make(map[int]float64)}
	for i := range s.normal {
		x.free, x.streaks = append(x.free, i), append(x.streaks, make(map[int]int))
	}
	random := rand.New(rand.NewPCG(1, 2)) // #nosec G404 -- the same every time, so that runs compare
	others := s.webhooks - s.slow - s.failing
	for w := range s.webhooks {
		rate := s.trouble
		if w >= s.slow+s.failing {
			rate = s.rate / float64(others)
		}
		for at := -simBefore + random.ExpFloat64()/rate; at < s.seconds; at += random.ExpFloat64() / rate {
			x.after(at-x.now, func() { x.arrive(simDelivery{webhook: w, published: at}) })
		}
	}
	for len(x.future) > 0 {
		next := heap.Pop(&x.future).(simEvent)
		if next.at > s.seconds+4*simSlow {
			break
		}
		x.now = next.at
		next.happen()
	}
	x.outcome.backlog = len(x.slowQueue)
	for _, d := range x.normalQueue { // never attempted: late by all that time
		x.attempted(d)
	}
	return x.outcome
}

func (x *simulation) after(wait float64, happen func()) {
	heap.Push(&x.future, simEvent{x.now + wait, happen})
}

func (x *simulation) isSlow(w int) bool    { return w < x.slow && x.now >= 0 }
func (x *simulation) isFailing(w int) bool { return w >= x.slow && w < x.slow+x.failing && x.now >= 0 }

// attempted records the wait of a delivery that has nothing to do with the trouble.
func (x *simulation) attempted(d simDelivery) {
	if d.webhook >= x.slow+x.failing {
		x.outcome.samples = append(x.outcome.samples, sample{seconds(d.published), seconds(x.now - d.published + simOverhead)})
	}
}

func (x *simulation) arrive(d simDelivery) {
	x.normalQueue = append(x.normalQueue, d)
	x.startNormal()
}

func (x *simulation) startNormal() {
	for len(x.free) > 0 && len(x.normalQueue) > 0 {
		n := min(simBatch, len(x.normalQueue))
		batch := slices.Clone(x.normalQueue[:n])
		x.normalQueue = x.normalQueue[n:]
		instance := x.free[0]
		x.free = x.free[1:]
		x.invoke(instance, batch)
	}
}

// invoke is an invocation of the normal lane.
func (x *simulation) invoke(instance int, batch []simDelivery) {
	takes, slow := 0.0, false
	for _, d := range batch {
		switch {
		case x.packed > 0 && x.marked[d.webhook]:
			x.after(simOverhead, func() { x.arriveSlow(d) })
		case x.isSlow(d.webhook):
			takes, slow = simSlow, true
			x.after(simMark, func() { x.count(instance, d) })
			x.retry(d, simSlow)
		default:
			takes = max(takes, simFast)
			if x.isFailing(d.webhook) && !d.retry {
				x.after(simFast+simRetry, func() { x.arrive(simDelivery{d.webhook, d.published, true}) })
			}
			x.attempted(d)
		}
	}
	if slow {
		x.heldNow++
		x.outcome.held = max(x.outcome.held, x.heldNow)
	}
	x.after(takes+simOverhead, func() {
		if slow {
			x.heldNow--
		}
		x.free = append(x.free, instance)
		x.startNormal()
	})
}

// count is the slow attempt of d after three seconds.
func (x *simulation) count(instance int, d simDelivery) {
	x.streaks[instance][d.webhook]++
	seen, known := x.seen[d.webhook]
	another := known && x.now-seen < simSlow
	if !another {
		x.seen[d.webhook] = x.now
	}
	if x.packed > 0 && (d.retry || another || x.streaks[instance][d.webhook] >= 2) {
		x.marked[d.webhook] = true
	}
}

// retry brings the second attempt of a delivery whose first was slow.
func (x *simulation) retry(d simDelivery, takes float64) {
	if d.retry {
		return
	}
	d.retry = true
	x.after(takes+simRetry, func() {
		if x.packed > 0 {
			x.arriveSlow(d)
		} else {
			x.arrive(d)
		}
	})
}

func (x *simulation) arriveSlow(d simDelivery) {
	x.slowQueue = append(x.slowQueue, d)
	x.startSlow()
}

// startSlow opens the window of a batch, or ends it when the batch is full.
func (x *simulation) startSlow() {
	for x.freeSlow > 0 && len(x.slowQueue) >= simPacked {
		x.invokeSlow()
	}
	if x.freeSlow > 0 && len(x.slowQueue) > 0 && !x.windowIsOpen {
		x.windowIsOpen = true
		x.after(simWindow, func() {
			x.windowIsOpen = false
			if x.freeSlow > 0 && len(x.slowQueue) > 0 {
				x.invokeSlow()
			}
			x.startSlow()
		})
	}
}

func (x *simulation) invokeSlow() {
	n := min(simPacked, len(x.slowQueue))
	for _, d := range x.slowQueue[:n] {
		x.marked[d.webhook] = true // the retry of a slow attempt, or marked before
		x.retry(d, simSlow)
	}
	x.slowQueue = slices.Clone(x.slowQueue[n:])
	x.freeSlow--
	x.after(simSlow+simOverhead, func() {
		x.freeSlow++
		x.startSlow()
	})
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
