// Package retrier moves deliveries that become due from the retries table to the
// deliveries queue.
//
// It runs every minute, and reads the minutes from its cursor up to 90 seconds ahead,
// the recent ones first. A row is deleted only after its message was sent. The cursor
// passes a minute only if the minute is at least ten minutes past and was empty in
// every shard. A dispatcher writes rows that are due in more than 15 minutes, or
// sooner, but not in the past, if the queue refused the message. So late rows, missed
// runs, clocks that differ by less than ten minutes, and two retriers at once lose
// nothing. Two retriers at once may send a row twice; the copies of the delivery
// compute the same next due time and collapse into one row again.
package retrier

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"webhooks/shared/aws/metric"
	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery/retrydb"
)

const (
	// lookahead is how long before its due time a row is moved. It is longer than the
	// minute between two runs, so the delay of the message decides the exact second.
	lookahead = 90 * time.Second
	// settled is how long a minute must be past before the cursor may pass it.
	settled = 10 * time.Minute
	// firstLookback is how far back a run without a cursor starts.
	firstLookback = 24 * time.Hour
	// reserve is the time that a run keeps for the cursor and its log line.
	reserve = 5 * time.Second
)

// Retries is the retries table.
type Retries interface {
	Cursor(ctx context.Context) (retrydb.Minute, bool, error)
	Advance(ctx context.Context, m retrydb.Minute) error
	List(ctx context.Context, m retrydb.Minute, shard int, after string) (rows []retrydb.Row, next string, unreadable, err error)
	Delete(ctx context.Context, rows []retrydb.Row) error
}

// Queue is the deliveries queue.
type Queue interface {
	Send(ctx context.Context, messages []queue.Message) []error
}

// Retrier moves rows from the table to the queue.
type Retrier struct {
	Log     *slog.Logger
	Retries Retries
	Queue   Queue
	Now     func() time.Time
	// Metrics gets a line per run that moved a row or is behind; nil measures nothing.
	Metrics *metric.Writer
}

// Run moves the rows that are due within the next 90 s. The next run continues with
// the rows for which ctx leaves no time. The error joins all failures; rows that were
// not sent stay in the table.
func (r *Retrier) Run(ctx context.Context) error {
	now := r.Now()
	cursor, known, err := r.Retries.Cursor(ctx)
	if err != nil {
		return err
	}
	if !known {
		cursor = retrydb.MinuteOf(now.Add(-firstLookback))
	}
	// The cursor may pass the minutes before recent. They come last, so that they never
	// delay rows that are due now: a row that cannot be decoded holds the cursor back
	// for weeks.
	recent := max(cursor, retrydb.MinuteOf(now.Add(-settled)))
	present := r.moveMinutes(ctx, recent, retrydb.MinuteOf(now.Add(lookahead))+1, now)
	past := r.moveMinutes(ctx, cursor, recent, now)
	moved, failures := present.moved+past.moved, append(present.failures, past.failures...)
	if past.emptyUntil > cursor || !known {
		if err := r.Retries.Advance(ctx, past.emptyUntil); err != nil {
			failures = append(failures, err)
		}
	}
	minutesBehind := behind(past, recent, now)
	r.Log.InfoContext(ctx, "retries moved", "moved", moved, "failures", len(failures),
		"retries_behind", minutesBehind, "complete", present.complete && past.complete)
	r.Metrics.Write(metric.Count(metric.RetriesMoved, moved), metric.Count(metric.RetriesBehind, minutesBehind))
	return errors.Join(failures...)
}

// behind returns the age, in minutes, of the oldest minute before recent that had a row
// or was not read, or 0 if there is none.
func behind(past sweep, recent retrydb.Minute, now time.Time) int {
	if past.emptyUntil >= recent {
		return 0
	}
	return int(retrydb.MinuteOf(now) - past.emptyUntil)
}

// sweep is the result of moving the rows of several minutes.
type sweep struct {
	moved      int
	emptyUntil retrydb.Minute // the first minute that was not empty or not read
	complete   bool           // every minute was read
	failures   []error
}

// moveMinutes moves the rows of the minutes from first to end, without end.
func (r *Retrier) moveMinutes(ctx context.Context, first, end retrydb.Minute, now time.Time) sweep {
	all := sweep{emptyUntil: first}
	m := first
	for ; m < end && !r.outOfTime(ctx); m++ {
		result := r.moveMinute(ctx, m, now)
		all.moved += result.moved
		all.failures = append(all.failures, result.failures...)
		if m == all.emptyUntil && result.empty {
			all.emptyUntil++
		}
	}
	all.complete = m >= end
	return all
}

// outOfTime reports whether ctx leaves less than the reserve.
func (r *Retrier) outOfTime(ctx context.Context) bool {
	deadline, has := ctx.Deadline()
	return ctx.Err() != nil || has && time.Until(deadline) < reserve
}

// result is the result of moving the rows of a minute or a shard.
type result struct {
	moved    int
	empty    bool // all of it was read, and it had no row
	failures []error
}

// moveMinute moves the rows of m. The shards are read concurrently.
func (r *Retrier) moveMinute(ctx context.Context, m retrydb.Minute, now time.Time) result {
	var shards [retrydb.Shards]result
	var group sync.WaitGroup
	for shard := range shards {
		group.Go(func() { shards[shard] = r.moveShard(ctx, m, shard, now) })
	}
	group.Wait()
	all := result{empty: true}
	for _, s := range shards {
		all.moved += s.moved
		all.empty = all.empty && s.empty
		all.failures = append(all.failures, s.failures...)
	}
	return all
}

// moveShard moves the rows of a shard of m, page by page.
func (r *Retrier) moveShard(ctx context.Context, m retrydb.Minute, shard int, now time.Time) result {
	all := result{empty: true}
	for after := ""; !r.outOfTime(ctx); {
		rows, next, unreadable, err := r.Retries.List(ctx, m, shard, after)
		if err != nil {
			return result{moved: all.moved, failures: append(all.failures, err)}
		}
		if unreadable != nil {
			all.empty = false
			all.failures = append(all.failures, unreadable)
		}
		if len(rows) > 0 {
			all.empty = false
			moved, err := r.move(ctx, rows, now)
			all.moved += moved
			if err != nil {
				all.failures = append(all.failures, err)
			}
		}
		if after = next; after == "" {
			return all
		}
	}
	all.empty = false // not read to its end
	return all
}

// logSent logs the event ids of the sent rows, so that an operator can follow an event
// through the retrier.
func (r *Retrier) logSent(ctx context.Context, rows []retrydb.Row) {
	ids := make([]string, 0, len(rows))
	for _, row := range rows {
		ids = append(ids, row.Delivery.Event.ID)
	}
	r.Log.InfoContext(ctx, "retries queued", "event_ids", ids)
}

// move sends the rows that are due within the lookahead and deletes those it sent.
func (r *Retrier) move(ctx context.Context, rows []retrydb.Row, now time.Time) (moved int, err error) {
	var due []retrydb.Row
	var messages []queue.Message
	// The delays count from the send and not from the start of the run (now), because
	// a run with a backlog takes long.
	sending := r.Now()
	for _, row := range rows {
		if row.Delivery.Due.After(now.Add(lookahead + row.Early)) {
			continue
		}
		due = append(due, row)
		messages = append(messages, queue.Message{
			Body: row.Delivery.Encode(), Delay: row.Delivery.Delay(sending.Add(row.Early)), Group: row.Delivery.Webhook.TenantID,
		})
	}
	if len(due) == 0 {
		return 0, nil
	}
	var sent []retrydb.Row
	var failures []error
	for i, err := range r.Queue.Send(ctx, messages) {
		if err != nil {
			failures = append(failures, err)
			continue
		}
		sent = append(sent, due[i])
	}
	if len(sent) > 0 {
		r.logSent(ctx, sent)
		failures = append(failures, r.Retries.Delete(ctx, sent))
	}
	return len(sent), errors.Join(failures...)
}
