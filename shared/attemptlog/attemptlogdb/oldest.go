package attemptlogdb

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"webhooks/shared/attemptlog"
	"webhooks/shared/webhook"
)

// oldest returns the id of the oldest live log, or last+1 if none is live.
//
// The search assumes that ids grow with creation times. They do to within seconds,
// because attempts are logged when they end. A queued log is the exception: it may
// get its id long after its creation time. When it expires, logs with nearby ids may
// leave the list too, before they expire.
func (s *Store) oldest(ctx context.Context, key webhook.Key, last int64, now time.Time) (int64, error) {
	if last == 0 {
		return 1, nil
	}
	// Most webhooks are younger than the retention: their first chunk is live.
	first, _, err := s.query(ctx, key, 0, 1, true, 1)
	if err != nil {
		return 0, err
	}
	if s.state(first, now) == attemptlog.Live {
		return s.firstLive(key, first[0], last, now)
	}
	buckets := attemptlog.Bucket(last) + 1
	bucket, err := attemptlog.FirstLive(buckets, func(asked []int64) ([]attemptlog.State, error) {
		return s.states(ctx, key, asked, now)
	})
	if err != nil || bucket == buckets {
		return last + 1, err
	}
	return s.oldestIn(ctx, key, bucket, last, now)
}

// states returns the state of the newest chunk of each bucket.
func (s *Store) states(ctx context.Context, key webhook.Key, buckets []int64, now time.Time) ([]attemptlog.State, error) {
	states := make([]attemptlog.State, len(buckets))
	calls, ctx := errgroup.WithContext(ctx)
	calls.SetLimit(maxCalls)
	for i, bucket := range buckets {
		calls.Go(func() error {
			newest, _, err := s.query(ctx, key, bucket, lastOf(bucket), false, 1)
			states[i] = s.state(newest, now)
			return err
		})
	}
	return states, calls.Wait()
}

// oldestIn returns the id of the oldest live log of a bucket whose newest chunk was live,
// or last+1 if none is live. It bisects: each step reads the chunk at or below an id.
func (s *Store) oldestIn(ctx context.Context, key webhook.Key, bucket, last int64, now time.Time) (int64, error) {
	var found []item
	for low, high := bucket*attemptlog.BucketSize, lastOf(bucket); low <= high; {
		middle := low + (high-low)/2
		at, _, err := s.query(ctx, key, bucket, middle, false, 1)
		if err != nil {
			return 0, err
		}
		if s.state(at, now) == attemptlog.Live {
			found, high = at, at[0].First-1
		} else {
			low = middle + 1
			if len(at) > 0 {
				low = max(low, at[0].First+at[0].N)
			}
		}
	}
	if len(found) == 0 {
		return last + 1, nil
	}
	return s.firstLive(key, found[0], last, now)
}

// lastOf returns the last id, or the last problem number, of a bucket.
func lastOf(bucket int64) int64 { return (bucket+1)*attemptlog.BucketSize - 1 }

// state returns the state of a chunk, given as a list of at most one.
func (s *Store) state(chunk []item, now time.Time) attemptlog.State {
	switch {
	case len(chunk) == 0:
		return attemptlog.Empty
	case chunk[0].To <= now.Add(-s.retention).UnixMilli():
		return attemptlog.Expired
	}
	return attemptlog.Live
}

// firstLive returns the id of the first live log of a live chunk, or last+1 if last is
// below it.
func (s *Store) firstLive(key webhook.Key, chunk item, last int64, now time.Time) (int64, error) {
	logs, err := chunk.decode(key)
	if err != nil {
		return 0, err
	}
	for _, log := range logs {
		if now.Before(log.ExpiresAt(s.retention)) {
			return min(log.ID, last+1), nil
		}
	}
	return last + 1, nil // unreachable: the latest log of a live chunk is live
}
