package fanout

import "webhooks/shared/aws/metric"

// measure writes what became of a batch. A message that failed for a reason of
// ours is not counted: it comes again.
func (f *Fanout) measure(jobs []*job) {
	var accepted, duplicates, conflicts, setAside, matched int
	for _, j := range jobs {
		switch {
		case j.failure() != nil:
		case j.conflicting:
			conflicts++
		case j.letter != nil:
			setAside++
		case j.done == duplicate || j.same != nil:
			duplicates++
		default:
			accepted++
			matched += len(j.matches)
		}
	}
	f.Metrics.Write(
		metric.Count(metric.EventsAccepted, accepted), metric.Count(metric.DeliveriesMatched, matched),
		metric.Count(metric.EventsDuplicate, duplicates), metric.Count(metric.EventsConflict, conflicts),
		metric.Count(metric.EventsSetAside, setAside),
	)
}
