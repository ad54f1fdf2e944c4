package dispatch

import (
	"time"

	"webhooks/shared/attemptlog"
	"webhooks/shared/metric"
)

// measure writes what became of a batch. Every attempt that was made counts,
// even if its message comes again because something after it failed; a message
// that carries the log of an attempt made before does not.
func (d *Dispatcher) measure(tasks []*task) {
	outcomes := make(map[attemptlog.Outcome]int)
	setAside, held, forwarded := 0, 0, 0
	var took, delays []time.Duration
	for _, t := range tasks {
		switch {
		case t.outcome || t.err != nil && t.log == nil:
		case t.letter != nil:
			setAside++
		case t.forward:
			forwarded++
		case t.log == nil && t.next != nil:
			held++
		}
		if t.outcome || t.log == nil {
			continue
		}
		outcomes[t.log.Outcome]++
		if t.log.Outcome == attemptlog.Skipped {
			continue
		}
		took = append(took, t.log.ResponseTime)
		// The first attempt is due when the event was sent; a resent one never was
		// late, and what a slow or failing receiver delays is no delay of ours.
		if t.delivery.Attempt == 1 && !t.delivery.Single && t.lane == laneNormal && t.plan == planAttempt {
			delays = append(delays, t.log.CreatedAt.Sub(t.delivery.Due))
		}
	}
	d.Metrics.Write(
		metric.Count(metric.Delivered, outcomes[attemptlog.Delivered]), metric.Count(metric.Retried, outcomes[attemptlog.Retrying]),
		metric.Count(metric.Failed, outcomes[attemptlog.Failed]), metric.Count(metric.Skipped, outcomes[attemptlog.Skipped]),
		metric.Count(metric.Held, held), metric.Count(metric.Forwarded, forwarded), metric.Count(metric.DeliveriesSetAside, setAside),
		metric.Each(metric.AttemptTime, took), metric.Each(metric.FirstAttemptDelay, delays),
		metric.Count(metric.RetriesStored, d.stored(tasks)),
	)
}
