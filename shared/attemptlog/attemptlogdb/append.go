package attemptlogdb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/dynamo"
	"webhooks/shared/webhook"
)

// maxCalls is how many concurrent calls one Append or List makes.
const maxCalls = 16

// Append writes chunks and returns those that it could not write, with every cause
// joined in err. First it reserves ids for the logs of the chunks without ids, in their
// order: those of all webhooks in one request, and of each webhook as new chunks. Then it
// writes all items. Both together are two requests for up to 25 webhooks and items.
//
// A returned chunk keeps the ids that were reserved for it. The caller can append it
// again any number of times: it always writes the same items.
//
// A log can be written twice, under two ids, if its reservation failed and its queued
// message is then processed twice. Append does not detect that: it would cost a read
// for each log, and two logs with the same event and attempt do no harm.
//
// A reservation whose response was lost leaves a hole: ids without logs. If DynamoDB
// reserves ids without returning them, or refuses the shared request, Append reserves the
// ids of each webhook alone. err then says so, even if every chunk is written.
func (s *Store) Append(ctx context.Context, chunks []attemptlog.Chunk) (unwritten []attemptlog.Chunk, err error) {
	reserved, failed, reserveErr := s.reserve(ctx, chunks)
	left, writeErr := s.write(ctx, reserved)
	return append(failed, left...), errors.Join(reserveErr, writeErr)
}

// put is one item to write, and the place of its chunk in a list.
type put struct {
	request types.WriteRequest
	chunk   int
}

// write puts the items of chunks, all of which have ids, and returns the chunks of
// which an item could not be put.
func (s *Store) write(ctx context.Context, chunks []attemptlog.Chunk) (unwritten []attemptlog.Chunk, err error) {
	chunks = distinct(chunks)
	var puts []put
	var errs []error
	failed := make([]bool, len(chunks))
	for i, c := range chunks {
		items, err := s.items(c)
		if err != nil {
			failed[i], errs = true, append(errs, err)
			continue
		}
		for _, item := range items {
			puts = append(puts, put{types.WriteRequest{PutRequest: &types.PutRequest{Item: item}}, i})
		}
	}
	var mu sync.Mutex
	var calls errgroup.Group
	calls.SetLimit(maxCalls)
	for batch := range slices.Chunk(puts, dynamo.MaxWrites) {
		calls.Go(func() error {
			left, err := s.writeBatch(ctx, batch)
			mu.Lock()
			defer mu.Unlock()
			for _, chunk := range left {
				failed[chunk] = true
			}
			errs = append(errs, err)
			return nil
		})
	}
	_ = calls.Wait() // no function above returns an error
	for i, c := range chunks {
		if failed[i] {
			unwritten = append(unwritten, c)
		}
	}
	return unwritten, errors.Join(errs...)
}

// writeBatch puts at most [dynamo.MaxWrites] items and returns the places of the chunks
// of which it could not put one.
func (s *Store) writeBatch(ctx context.Context, puts []put) (failed []int, err error) {
	requests, chunks := make([]types.WriteRequest, 0, len(puts)), make(map[itemKey]int, len(puts))
	for _, p := range puts {
		requests, chunks[keyOf(p.request)] = append(requests, p.request), p.chunk
	}
	left, err := dynamo.BatchWrite(ctx, s.client, s.pause, s.table, requests)
	if err != nil {
		err = fmt.Errorf("write %d of %d items of logs: %w", len(left), len(puts), err)
	}
	for _, request := range left {
		failed = append(failed, chunks[keyOf(request)])
	}
	return failed, err
}

// itemKey is the key of an item.
type itemKey struct{ bucket, sort string }

// keyOf returns the key of the item that request puts.
func keyOf(request types.WriteRequest) itemKey {
	bucket, _ := request.PutRequest.Item[bucketName].(*types.AttributeValueMemberS)
	sort, _ := request.PutRequest.Item[sortName].(*types.AttributeValueMemberN)
	return itemKey{bucket.Value, sort.Value}
}

// distinct returns chunks without duplicates. A batch may contain two copies of a
// queued chunk, and DynamoDB refuses a BatchWriteItem that contains a key twice.
func distinct(chunks []attemptlog.Chunk) []attemptlog.Chunk {
	type key struct {
		webhook webhook.Key
		first   int64
	}
	seen := make(map[key]bool, len(chunks))
	var once []attemptlog.Chunk
	for _, c := range chunks {
		if k := (key{c.Webhook, c.First}); !seen[k] {
			seen[k], once = true, append(once, c)
		}
	}
	return once
}
