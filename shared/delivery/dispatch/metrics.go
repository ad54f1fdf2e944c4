package dispatch

import (
	"time"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/metric"
)

// numbers are the metrics of an invocation. Every attempt that was made counts, even
// if its message is received again because a later step failed. Queued logs do
// not count: their attempts were counted before. A held delivery counts as held, not
// as an attempt, and a delivery that only moves to the retries table or waits for its
// slot does not count. A delivery that failed without an attempt counts when it is received
// again.
type numbers struct {
	delivered, retried, failed, skipped int
	held, forwarded, setAside, stored   int
	took, delays                        []time.Duration
}

// add adds the results of a flush.
func (n *numbers) add(list []settled) {
	for i := range list {
		s := &list[i]
		if s.stored {
			n.stored++
		}
		switch {
		case s.attempted:
			n.count(s.log.Outcome)
			n.took = append(n.took, s.log.ResponseTime)
			// The first attempt is due when the event was sent, or when its hold ended.
			// Resent deliveries are excluded, because they have no such delay. So are the
			// slow lane and deliveries with a slot: the receiver or its limit causes that
			// delay.
			if s.delivery.Attempt == 1 && !s.delivery.Single && s.message.lane == laneNormal && s.action == makeAttempt && s.delivery.Rate == 0 {
				n.delays = append(n.delays, s.log.CreatedAt.Sub(s.delivery.Due))
			}
		case s.failure != nil || s.message.queued != nil || s.action == moveToTable || s.action == postpone:
		case s.refusal != nil || s.message.Letter != nil:
			n.setAside++
		case s.action == forward:
			n.forwarded++
		case s.next != nil:
			n.held++
		case s.log != nil:
			n.skipped++ // or given up: FailingAttemptsAlarm is about receivers
		}
	}
}

func (n *numbers) count(outcome attemptlog.Outcome) {
	switch outcome {
	case attemptlog.Delivered:
		n.delivered++
	case attemptlog.Retrying:
		n.retried++
	case attemptlog.Failed:
		n.failed++
	}
}

// points returns the metrics as CloudWatch gets them.
func (n *numbers) points() []metric.Point {
	// FailingAttemptsAlarm divides these. While every attempt fails, Delivered needs zeroes.
	results := metric.Together(metric.Count(metric.Delivered, n.delivered),
		metric.Count(metric.Retried, n.retried), metric.Count(metric.Failed, n.failed))
	return append(results,
		metric.Count(metric.Skipped, n.skipped),
		metric.Count(metric.Held, n.held), metric.Count(metric.Forwarded, n.forwarded), metric.Count(metric.DeliveriesSetAside, n.setAside),
		metric.Durations(metric.AttemptTime, n.took), metric.Durations(metric.FirstAttemptDelay, n.delays),
		metric.Count(metric.RetriesStored, n.stored),
	)
}
