package dispatch

import (
	"time"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/metric"
)

// measure writes the metrics of a batch. Every attempt that was made counts, even
// if its message is received again because a later step failed. A queued log does
// not count: its attempt was counted before. A held delivery counts as held, not
// as an attempt, and a delivery that only moves to the retries table does not
// count. A message that failed without an attempt counts when it is received
// again.
func (d *Dispatcher) measure(tasks []*task) {
	outcomes := make(map[attemptlog.Outcome]int)
	setAside, held, forwarded, stored := 0, 0, 0, 0
	var took, delays []time.Duration
	for _, t := range tasks {
		if t.stored {
			stored++
		}
		switch {
		case t.attempted:
			outcomes[t.log.Outcome]++
			took = append(took, t.log.ResponseTime)
			// The first attempt is due when the event was sent, or when its hold ended.
			// Resent deliveries are excluded, because they have no such delay. So is the slow lane: the receiver
			// causes that delay.
			if t.delivery.Attempt == 1 && !t.delivery.Single && t.lane == laneNormal && t.plan == planAttempt {
				delays = append(delays, t.log.CreatedAt.Sub(t.delivery.Due))
			}
		case t.queuedLog || t.moved || t.Err != nil:
		case t.Letter != nil:
			setAside++
		case t.forward:
			forwarded++
		case t.next != nil:
			held++
		case t.log != nil:
			outcomes[t.log.Outcome]++ // skipped
		}
	}
	// FailingAttemptsAlarm divides these. While every attempt fails, Delivered needs zeroes.
	results := metric.Together(metric.Count(metric.Delivered, outcomes[attemptlog.Delivered]),
		metric.Count(metric.Retried, outcomes[attemptlog.Retrying]), metric.Count(metric.Failed, outcomes[attemptlog.Failed]))
	d.Metrics.Write(append(results,
		metric.Count(metric.Skipped, outcomes[attemptlog.Skipped]),
		metric.Count(metric.Held, held), metric.Count(metric.Forwarded, forwarded), metric.Count(metric.DeliveriesSetAside, setAside),
		metric.Durations(metric.AttemptTime, took), metric.Durations(metric.FirstAttemptDelay, delays),
		metric.Count(metric.RetriesStored, stored),
	)...)
}
