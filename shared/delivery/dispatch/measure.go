package dispatch

import (
	"time"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/metric"
)

// measure writes what became of a batch. Every attempt that was made counts,
// even if its message comes again because something after it failed; a message
// that carries the log of an attempt made before does not. What the breaker holds
// back has a log and is no attempt, and what only moves to the retries table is no
// news. Where no attempt was made, a message that comes again counts then.
func (d *Dispatcher) measure(tasks []*task) {
	outcomes := make(map[attemptlog.Outcome]int)
	setAside, held, forwarded, stored := 0, 0, 0, 0
	var took, delays []time.Duration
	for _, t := range tasks {
		if t.stored {
			stored++
		}
		switch {
		case t.made:
			outcomes[t.log.Outcome]++
			took = append(took, t.log.ResponseTime)
			// The first attempt is due when the event was sent; a resent one never was
			// late, and what a slow or failing receiver delays is no delay of ours.
			if t.delivery.Attempt == 1 && !t.delivery.Single && t.lane == laneNormal && t.plan == planAttempt {
				delays = append(delays, t.log.CreatedAt.Sub(t.delivery.Due))
			}
		case t.outcome || t.moved || t.err != nil:
		case t.letter != nil:
			setAside++
		case t.forward:
			forwarded++
		case t.next != nil:
			held++
		case t.log != nil:
			outcomes[t.log.Outcome]++ // skipped
		}
	}
	d.Metrics.Write(
		metric.Count(metric.Delivered, outcomes[attemptlog.Delivered]), metric.Count(metric.Retried, outcomes[attemptlog.Retrying]),
		metric.Count(metric.Failed, outcomes[attemptlog.Failed]), metric.Count(metric.Skipped, outcomes[attemptlog.Skipped]),
		metric.Count(metric.Held, held), metric.Count(metric.Forwarded, forwarded), metric.Count(metric.DeliveriesSetAside, setAside),
		metric.Durations(metric.AttemptTime, took), metric.Durations(metric.FirstAttemptDelay, delays),
		metric.Count(metric.RetriesStored, stored),
	)
}
