package attemptlogdb

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"golang.org/x/sync/errgroup"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/dynamo"
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
	// Most webhooks are younger than the retention: their first log is live.
	first, state, err := s.edge(ctx, key, 0, true, now)
	if err != nil || state == attemptlog.Live {
		return first, err
	}
	buckets := bucketOf(last) + 1
	bucket, err := attemptlog.FirstLive(buckets, func(asked []int64) ([]attemptlog.State, error) {
		return s.states(ctx, key, asked, now)
	})
	if err != nil || bucket == buckets {
		return last + 1, err
	}
	return s.firstLive(ctx, key, bucket, last, now)
}

// states returns the state of the newest log of each bucket.
func (s *Store) states(ctx context.Context, key webhook.Key, buckets []int64, now time.Time) ([]attemptlog.State, error) {
	states := make([]attemptlog.State, len(buckets))
	calls, ctx := errgroup.WithContext(ctx)
	calls.SetLimit(maxCalls)
	for i, bucket := range buckets {
		calls.Go(func() (err error) {
			_, states[i], err = s.edge(ctx, key, bucket, false, now)
			return err
		})
	}
	return states, calls.Wait()
}

// logItem is the part of a log that the search reads.
type logItem struct {
	ID      int64 `dynamodbav:"log_id"`
	Created int64 `dynamodbav:"created"`
}

// edge returns the id and the state at now of a bucket's first or last log.
func (s *Store) edge(ctx context.Context, key webhook.Key, bucket int64, first bool, now time.Time) (int64, attemptlog.State, error) {
	input, err := s.query(key, bucket, logsOnly(), expression.NewBuilder().WithProjection(searched()))
	if err != nil {
		return 0, attemptlog.Empty, err
	}
	input.ScanIndexForward, input.Limit = &first, aws.Int32(1)
	out, err := s.client.Query(ctx, input)
	if err != nil {
		return 0, attemptlog.Empty, fmt.Errorf("query bucket %d of webhook %d of tenant %s: %w", bucket, key.ID, key.TenantID, dynamo.Classify(err))
	}
	if len(out.Items) == 0 {
		return 0, attemptlog.Empty, nil
	}
	var log logItem
	if err := attributevalue.UnmarshalMap(out.Items[0], &log); err != nil {
		return 0, attemptlog.Empty, fmt.Errorf("decode a log of webhook %d: %w", key.ID, err)
	}
	if log.Created <= s.expired(now) {
		return log.ID, attemptlog.Expired, nil
	}
	return log.ID, attemptlog.Live, nil
}

// firstLive returns the id of the first live log of a bucket, or last+1 if none is
// live.
func (s *Store) firstLive(ctx context.Context, key webhook.Key, bucket, last int64, now time.Time) (int64, error) {
	live := expression.Name(createdName).GreaterThan(expression.Value(s.expired(now)))
	input, err := s.query(key, bucket, logsOnly(), expression.NewBuilder().WithProjection(searched()).WithFilter(live))
	if err != nil {
		return 0, err
	}
	items, err := s.all(ctx, key, input)
	if err != nil || len(items) == 0 {
		return last + 1, err
	}
	var log logItem
	if err := attributevalue.UnmarshalMap(items[0], &log); err != nil {
		return 0, fmt.Errorf("decode a log of webhook %d: %w", key.ID, err)
	}
	return log.ID, nil
}

// expired returns the creation time, in Unix milliseconds, of a log that expires at
// now.
func (s *Store) expired(now time.Time) int64 { return now.Add(-s.retention).UnixMilli() }

// logsOnly is the condition that excludes item 0.
func logsOnly() expression.KeyConditionBuilder {
	return expression.Key(idName).GreaterThanEqual(expression.Value(1))
}

// searched is the projection to the attributes of a logItem.
func searched() expression.ProjectionBuilder {
	return expression.NamesList(expression.Name(idName), expression.Name(createdName))
}
