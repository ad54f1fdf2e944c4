package fanout

import (
	"context"
	"log/slog"

	"webhooks/shared/aws/metric"
	"webhooks/shared/deadletter"
	"webhooks/shared/event"
)

// logAll writes one line for all events that were fanned out, and one line for
// each other message. CloudWatch bills each byte, and most bytes of a line are the
// same in every line.
func (f *Fanout) logAll(ctx context.Context, jobs []*job) {
	var list []logged
	for _, j := range jobs {
		if j.state == fannedOut && j.Open() {
			list = append(list, logged{j.event.TenantID, j.event.ID, j.event.Type, len(j.matches)})
			continue
		}
		f.logJob(ctx, j)
	}
	if len(list) > 0 {
		f.Log.LogAttrs(ctx, slog.LevelInfo, "events fanned out", slog.Any("events", list))
	}
}

// logged is an event in the line about a batch.
type logged struct {
	TenantID string     `json:"tenant_id"`
	EventID  string     `json:"event_id"`
	Type     event.Type `json:"event_type"`
	Webhooks int        `json:"webhooks"`
}

// logJob writes one line about a message that was not fanned out.
func (f *Fanout) logJob(ctx context.Context, j *job) {
	attributes := []slog.Attr{
		slog.String("message_id", j.Record.MessageId),
		slog.String("tenant_id", j.Subject.TenantID), slog.String("event_id", j.Subject.EventID),
		slog.String("event_type", j.Subject.EventType),
	}
	switch {
	case j.Err != nil:
		f.Log.LogAttrs(ctx, j.Level(), "event failed", append(attributes, slog.String("error", j.Err.Error()))...)
	case j.Letter != nil:
		// The detail may quote the event, so only the dead letter has it.
		f.Log.LogAttrs(ctx, slog.LevelWarn, "event set aside", append(attributes, slog.String("reason", string(j.Letter.Reason)))...)
	case j.state == dropped:
		f.Log.LogAttrs(ctx, slog.LevelWarn, "event dropped", append(attributes, slog.String("reason", string(deadletter.Conflict)))...)
	default:
		f.Log.LogAttrs(ctx, slog.LevelInfo, "event is a duplicate", attributes...)
	}
}

// measure writes the metrics of a batch. A message that failed is not counted: it
// is counted when Lambda receives it again.
func (f *Fanout) measure(jobs []*job) {
	var accepted, duplicates, conflicts, setAside, matched int
	for _, j := range jobs {
		switch {
		case j.Err != nil:
		case j.conflicts:
			conflicts++
		case j.Letter != nil:
			setAside++
		case j.state == duplicate || j.original != nil:
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
