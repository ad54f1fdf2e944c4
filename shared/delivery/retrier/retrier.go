// Package retrier moves deliveries that are about to become due from the
// retries table to the deliveries queue.
//
// It runs every minute and looks at every minute from its cursor to the next
// 90 seconds, the present ones first. The cursor only moves to minutes at least ten minutes past that
// it found empty in every shard, so late rows, missed ticks, clock skew and
// two retriers at once do no harm: a dispatcher writes rows that are due in more
// than 15 minutes, or from now on when the queue takes none, and a row is deleted only after its message was
// sent. Two retriers at once may send one row twice; the copies compute the
// same next due time and collapse into one row again.
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
	// ahead is how far before its due time a row is moved. It is longer than the
	// tick, so that the queue's delay and not the tick decides the second.
	ahead = 90 * time.Second
	// settled is how long a minute must be past before the cursor may leave it.
	settled = 10 * time.Minute
	// firstLook is how far back a retrier looks that finds no cursor.
	firstLook = 24 * time.Hour
	// reserve is the time that a run leaves for the cursor and its log line.
	reserve = 5 * time.Second
)

// Retries is the retries table.
type Retries interface {
	Cursor(ctx context.Context) (retrydb.Minute, bool, error)
	Advance(ctx context.Context, m retrydb.Minute) error
	List(ctx context.Context, m retrydb.Minute, shard int, after string) (rows []retrydb.Row, next string, unreadable, err error)
	Delete(ctx context.Context, rows []retrydb.Row) error
}

// Queue is the queue of deliveries.
type Queue interface {
	Send(ctx context.Context, messages []queue.Message) []error
}

// Retrier moves rows.
type Retrier struct {
	Log     *slog.Logger
	Retries Retries
	Queue   Queue
	Now     func() time.Time
	// Metrics gets one line per run that had something to do; nil measures nothing.
	Metrics *metric.Writer
}

// Run moves what is due within the next 90 s. What it has no time for, the
// next run goes on with. It returns what failed: those rows stay.
func (r *Retrier) Run(ctx context.Context) error {
	now := r.Now()
	cursor, known, err := r.Retries.Cursor(ctx)
	if err != nil {
		return err
	}
	if !known {
		cursor = retrydb.MinuteOf(now.Add(-firstLook))
	}
	// The cursor may pass the minutes before this one. The others come first:
	// whatever holds the cursor back (a row that cannot be read holds it for
	// weeks) must not hold back what is due now.
	recent := max(cursor, retrydb.MinuteOf(now.Add(-settled)))
	present := r.moveMinutes(ctx, recent, retrydb.MinuteOf(now.Add(ahead))+1, now)
	past := r.moveMinutes(ctx, cursor, recent, now)
	moved, failures := present.moved+past.moved, append(present.failures, past.failures...)
	if past.clean > cursor || !known {
		if err := r.Retries.Advance(ctx, past.clean); err != nil {
			failures = append(failures, err)
		}
	}
	minutesBehind := behind(past, recent, now)
	r.Log.InfoContext(ctx, "retries moved", "moved", moved, "failures", len(failures),
		"retries_behind", minutesBehind, "complete", present.complete && past.complete)
	r.Metrics.Write(metric.Count(metric.RetriesMoved, moved), metric.Count(metric.RetriesBehind, minutesBehind))
	return errors.Join(failures...)
}

// behind returns for how many minutes the oldest row has been due that a sweep
// up to recent left, or met: 0 when it left and met none.
func behind(past sweep, recent retrydb.Minute, now time.Time) int {
	if past.clean >= recent {
		return 0
	}
	return int(retrydb.MinuteOf(now) - past.clean)
}

// sweep is what became of the rows of several minutes.
type sweep struct {
	moved    int
	clean    retrydb.Minute // the first minute that was not empty, or not looked at
	complete bool           // every minute was looked at
	failures []error
}

// moveMinutes moves the rows of the minutes from first up to, but not of, end.
func (r *Retrier) moveMinutes(ctx context.Context, first, end retrydb.Minute, now time.Time) sweep {
	all := sweep{clean: first}
	m := first
	for ; m < end && !r.outOfTime(ctx); m++ {
		result := r.moveMinute(ctx, m, now)
		all.moved += result.moved
		all.failures = append(all.failures, result.failures...)
		if m == all.clean && result.empty {
			all.clean++
		}
	}
	all.complete = m >= end
	return all
}

func (r *Retrier) outOfTime(ctx context.Context) bool {
	deadline, has := ctx.Deadline()
	return ctx.Err() != nil || has && time.Until(deadline) < reserve
}

// result is what became of a minute's or a shard's rows.
type result struct {
	moved    int
	empty    bool // there was not a single row
	failures []error
}

// moveMinute moves the rows of m, all shards at once.
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
	all.empty = false // not looked at to the end
	return all
}

// logSent writes one line about the rows of a page, so that an event can be
// followed through here.
func (r *Retrier) logSent(ctx context.Context, rows []retrydb.Row) {
	ids := make([]string, 0, len(rows))
	for _, row := range rows {
		ids = append(ids, row.Delivery.Event.ID)
	}
	r.Log.InfoContext(ctx, "retries queued", "event_ids", ids)
}

// move sends those rows that are near and deletes what was sent.
func (r *Retrier) move(ctx context.Context, rows []retrydb.Row, now time.Time) (moved int, err error) {
	var near []retrydb.Row
	var messages []queue.Message
	// A run with a backlog takes long: what remains is counted from this moment,
	// not from its start.
	sending := r.Now()
	for _, row := range rows {
		if row.Delivery.Due.After(now.Add(ahead)) {
			continue
		}
		near = append(near, row)
		messages = append(messages, queue.Message{
			Body: row.Delivery.Encode(), Delay: row.Delivery.Due.Sub(sending), Group: row.Delivery.Webhook.TenantID,
		})
	}
	if len(near) == 0 {
		return 0, nil
	}
	var sent []retrydb.Row
	var failures []error
	for i, err := range r.Queue.Send(ctx, messages) {
		if err != nil {
			failures = append(failures, err)
			continue
		}
		sent = append(sent, near[i])
	}
	if len(sent) > 0 {
		r.logSent(ctx, sent)
		failures = append(failures, r.Retries.Delete(ctx, sent))
	}
	return len(sent), errors.Join(failures...)
}
