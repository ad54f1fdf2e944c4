package attemptlogdb

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
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
		Key:            primaryKey(key, 0),
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return 0, fmt.Errorf("get the last log id of webhook %d of tenant %s: %w", key.ID, key.TenantID, dynamo.Classify(err))
	}
	return lastID(out.Item)
}

// window returns the live logs of w, the newest first. It reads the buckets of w, at
// most two, concurrently.
func (s *Store) window(ctx context.Context, key webhook.Key, w attemptlog.Window, now time.Time) ([]attemptlog.Log, error) {
	if w.Empty() {
		return nil, nil
	}
	parts := make([][]attemptlog.Log, bucketOf(w.High)-bucketOf(w.Low)+1)
	calls, ctx := errgroup.WithContext(ctx)
	for i := range parts {
		bucket := bucketOf(w.High) - int64(i)
		calls.Go(func() (err error) {
			low, high := max(w.Low, bucket*bucketSize), min(w.High, bucket*bucketSize+bucketSize-1)
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
	ids := expression.Key(idName).Between(expression.Value(low), expression.Value(high))
	input, err := s.query(key, bucketOf(low), ids, expression.NewBuilder())
	if err != nil {
		return nil, err
	}
	input.ScanIndexForward = aws.Bool(false)
	items, err := s.all(ctx, key, input)
	if err != nil {
		return nil, err
	}
	logs := make([]attemptlog.Log, 0, len(items))
	for _, attributes := range items {
		log, err := decode(key, attributes)
		if err != nil {
			return nil, err
		}
		if now.Before(log.ExpiresAt(s.retention)) {
			logs = append(logs, log)
		}
	}
	return logs, nil
}

// query returns a strongly consistent Query for ids of one bucket.
func (s *Store) query(key webhook.Key, bucket int64, ids expression.KeyConditionBuilder, b expression.Builder) (*dynamodb.QueryInput, error) {
	partition := expression.Key(bucketName).Equal(expression.Value(bucketKey(key, bucket)))
	e, err := b.WithKeyCondition(partition.And(ids)).Build()
	if err != nil {
		return nil, fmt.Errorf("build the query for logs: %w", err)
	}
	return &dynamodb.QueryInput{
		TableName:                 &s.table,
		KeyConditionExpression:    e.KeyCondition(),
		FilterExpression:          e.Filter(),
		ProjectionExpression:      e.Projection(),
		ExpressionAttributeNames:  e.Names(),
		ExpressionAttributeValues: e.Values(),
		ConsistentRead:            aws.Bool(true),
	}, nil
}

// all returns the items of every page of a Query. A bucket is one page, even with
// bodies of the largest size: DynamoDB's limit is 1 MB.
func (s *Store) all(ctx context.Context, key webhook.Key, input *dynamodb.QueryInput) ([]map[string]types.AttributeValue, error) {
	var items []map[string]types.AttributeValue
	for pages := dynamodb.NewQueryPaginator(s.client, input); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("query logs of webhook %d of tenant %s: %w", key.ID, key.TenantID, dynamo.Classify(err))
		}
		items = append(items, out.Items...)
	}
	return items, nil
}
