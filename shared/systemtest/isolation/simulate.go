package main

import (
	"container/heap"
	"math/rand/v2"
	"slices"
	"time"
)

// Parameters of the simulation; durations are in seconds. Those of the service are
// the measured ones of the local stack, rounded up. Those of receivers are typical
// for the internet.
const (
	simOverhead = 0.05 // an invocation without its attempts
	simFast     = 0.10 // an attempt that succeeds or fails at once
	simSlow     = 15.0 // an attempt at a slow receiver
	simWindow   = 5.0  // batch window of the slow queue
	simBatch    = 10   // deliveries of a normal invocation
	simPacked   = 100  // deliveries of a slow invocation
	simRetry    = 5.0  // the first wait of the schedule; the second is longer than the simulation
	simMark     = 3.0  // after which an attempt is slow: see webhook.SlowAfter
	simBefore   = 20.0 // time before the trouble, in which all receivers answer at once
)

// scenario describes the load, the trouble that begins at time 0, and the concurrency.
type scenario struct {
	webhooks int
	rate     float64 // events per second of all healthy webhooks together
	slow     int     // webhooks that are slow from time 0
	failing  int     // webhooks that fail from time 0
	trouble  float64 // events per second of each slow or failing webhook
	normal   int     // concurrency of the normal lane
	packed   int     // concurrency of the slow lane; 0 without a slow lane
	seconds  float64 // duration after time 0
}

// observation is what a simulation measured.
type observation struct {
	samples []sample // of healthy webhooks; publishing times are relative to time 0
	held    int      // peak number of normal invocations occupied by slow attempts
	backlog int      // deliveries left in the slow queue at the end
}

// simEvent is a function that is called at a time.
type simEvent struct {
	at     float64
	happen func()
}

// timeline is a heap of future events, the next one first (container/heap).
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

// simDelivery is a message in one of the queues.
type simDelivery struct {
	webhook   int
	published float64
	retry     bool // the attempt before it was slow or failed
}

// simulation is the state of a running scenario.
type simulation struct {
	scenario
	now          float64
	future       timeline
	normalQueue  []simDelivery
	slowQueue    []simDelivery
	free         []int           // idle instances of the normal lane
	freeSlow     int             // idle instances of the slow lane
	streaks      []map[int]int   // slow attempts counted by each normal instance, by webhook
	marked       map[int]bool    // webhooks marked as slow
	seen         map[int]float64 // when a webhook's last slow attempt was recorded
	heldNow      int             // normal invocations occupied by slow attempts
	windowIsOpen bool
	observed     observation
}

// simulate runs a scenario.
func simulate(s scenario) observation {
	x := &simulation{scenario: s, now: -simBefore, freeSlow: s.packed, marked: make(map[int]bool), seen: make(map[int]float64)}
	for i := range s.normal {
		x.free, x.streaks = append(x.free, i), append(x.streaks, make(map[int]int))
	}
	random := rand.New(rand.NewPCG(1, 2)) // #nosec G404 -- the same numbers in every run make results comparable
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
	x.observed.backlog = len(x.slowQueue)
	for _, d := range x.normalQueue { // never attempted: they count with their wait until now
		x.attempted(d)
	}
	return x.observed
}

// after schedules an event.
func (x *simulation) after(wait float64, happen func()) {
	heap.Push(&x.future, simEvent{x.now + wait, happen})
}

func (x *simulation) isSlow(w int) bool    { return w < x.slow && x.now >= 0 }
func (x *simulation) isFailing(w int) bool { return w >= x.slow && w < x.slow+x.failing && x.now >= 0 }

// attempted records the latency of a delivery to a healthy webhook.
func (x *simulation) attempted(d simDelivery) {
	if d.webhook >= x.slow+x.failing {
		x.observed.samples = append(x.observed.samples, sample{seconds(d.published), seconds(x.now - d.published + simOverhead)})
	}
}

// arrive puts a delivery into the normal queue.
func (x *simulation) arrive(d simDelivery) {
	x.normalQueue = append(x.normalQueue, d)
	x.startNormal()
}

// startNormal invokes idle instances while deliveries wait.
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

// invoke runs a batch in the normal lane.
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
		x.observed.held = max(x.observed.held, x.heldNow)
	}
	x.after(takes+simOverhead, func() {
		if slow {
			x.heldNow--
		}
		x.free = append(x.free, instance)
		x.startNormal()
	})
}

// count records that the attempt of d has become slow, and marks its webhook on the
// second slow attempt or on a slow retry.
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

// retry schedules the second attempt of a delivery whose first attempt was slow.
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

// arriveSlow puts a delivery into the slow queue.
func (x *simulation) arriveSlow(d simDelivery) {
	x.slowQueue = append(x.slowQueue, d)
	x.startSlow()
}

// startSlow invokes the slow lane with full batches, and opens the batch window for
// the rest.
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

// invokeSlow runs a batch in the slow lane.
func (x *simulation) invokeSlow() {
	n := min(simPacked, len(x.slowQueue))
	for _, d := range x.slowQueue[:n] {
		x.marked[d.webhook] = true // marked before, or this is the retry of a slow attempt
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
