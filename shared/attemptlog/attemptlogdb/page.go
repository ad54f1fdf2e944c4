package attemptlogdb

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/dynamo"
	"webhooks/shared/webhook"
)

// List returns page number (from 1) of the logs of a webhook whose id is below
// before, the newest first, with size (1 to 100) logs a page. Logs that have
// expired at now are neither shown nor counted, even if DynamoDB has not yet
// deleted them. Every page costs the same: item 0, the search for the oldest live
// log, and at most two Queries.
//
// Logs with an id of before or above do not move the pages. A client that fixes
// before at its first request therefore sees every log exactly once; with
// [math.MaxInt64] a page shows the newest logs. Reads are strongly consistent: a
// log that Append has written is listed.
func (s *Store) List(ctx context.Context, key webhook.Key, before int64, number, size int, now time.Time) (attemptlog.Page, error) {
	page := attemptlog.Page{Number: number, Size: size}
	last, err := s.last(ctx, key)
	if err != nil {
		return page, err
	}
	last = min(last, before-1)
	oldest, err := s.oldest(ctx, key, last, now)
	if err != nil {
		return page, err
	}
	window := attemptlog.Paginate(oldest, last, number, size)
	page.Total, page.TotalPages = window.Total, window.TotalPages
	page.Logs, err = s.window(ctx, key, window, now)
	return page, err
}

// last returns the last reserved id, or 0 if none was reserved.
func (s *Store) last(ctx context.Context, key webhook.Key) (int64, error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &s.table,
		Key:            counterKey(key),
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return 0, fmt.Errorf("get the last log id of webhook %d of tenant %s: %w", key.ID, key.TenantID, dynamo.Classify(err))
	}
	last, err := decodeCounters(out.Item)
	return last.LastID, err
}

// window returns the live logs of w, the newest first. It reads the buckets of w, at
// most two, concurrently.
func (s *Store) window(ctx context.Context, key webhook.Key, w attemptlog.Window, now time.Time) ([]attemptlog.Log, error) {
	if w.Empty() {
		return nil, nil
	}
	top := attemptlog.Bucket(w.High)
	parts := make([][]attemptlog.Log, top-attemptlog.Bucket(w.Low)+1)
	calls, ctx := errgroup.WithContext(ctx)
	for i := range parts {
		bucket := top - int64(i)
		calls.Go(func() (err error) {
			low, high := max(w.Low, bucket*attemptlog.BucketSize), min(w.High, lastOf(bucket))
			parts[i], err = s.logs(ctx, key, low, high, now)
			return err
		})
	}
	if err := calls.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(parts...), nil
}

// logs returns the live logs low to high, which lie in one bucket, the newest first.
func (s *Store) logs(ctx context.Context, key webhook.Key, low, high int64, now time.Time) ([]attemptlog.Log, error) {
	var logs []attemptlog.Log
	for next, more := high, true; more && next >= low; {
		var chunks []item
		var err error
		// There are at most as many chunks as ids. So one call reads all of them, unless
		// they have more than 1 MB.
		chunks, more, err = s.query(ctx, key, attemptlog.Bucket(low), next, false, next-low+1)
		if err != nil {
			return nil, err
		}
		for _, c := range chunks {
			if next = c.First - 1; c.First+c.N <= low {
				break
			}
			decoded, err := c.decode(key)
			if err != nil {
				return nil, err
			}
			for _, log := range slices.Backward(decoded) {
				if low <= log.ID && log.ID <= high && now.Before(log.ExpiresAt(s.retention)) {
					logs = append(logs, log)
				}
			}
		}
	}
	return logs, nil
}

// query returns up to limit chunks of a bucket with a strongly consistent read: upwards
// those whose first id is at least start, or downwards those whose first id is at most
// start. more says that there may be others.
func (s *Store) query(ctx context.Context, key webhook.Key, bucket, start int64, upwards bool, limit int64) (chunks []item, more bool, err error) {
	partition := expression.Key(bucketName).Equal(expression.Value(bucketKey(key, idBucket, bucket)))
	ids := expression.Key(sortName).LessThanEqual(expression.Value(start))
	if upwards {
		ids = expression.Key(sortName).GreaterThanEqual(expression.Value(start))
	}
	e, err := expression.NewBuilder().WithKeyCondition(partition.And(ids)).Build()
	if err != nil {
		return nil, false, fmt.Errorf("build the query for logs: %w", err)
	}
	out, err := s.client.Query(ctx, &dynamodb.QueryInput{
		TableName:                 &s.table,
		KeyConditionExpression:    e.KeyCondition(),
		ExpressionAttributeNames:  e.Names(),
		ExpressionAttributeValues: e.Values(),
		ConsistentRead:            aws.Bool(true),
		ScanIndexForward:          &upwards,
		Limit:                     aws.Int32(int32(limit)), // #nosec G115 -- at most the size of a page
	})
	if err != nil {
		return nil, false, fmt.Errorf("query bucket %d of webhook %d of tenant %s: %w", bucket, key.ID, key.TenantID, dynamo.Classify(err))
	}
	for _, attributes := range out.Items {
		c, err := parse(key, attributes)
		if err != nil {
			return nil, false, err
		}
		chunks = append(chunks, c)
	}
	return chunks, len(out.LastEvaluatedKey) > 0, nil
}
