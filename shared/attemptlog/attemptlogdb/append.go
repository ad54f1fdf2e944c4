package attemptlogdb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/dynamo"
	"webhooks/shared/webhook"
)

// maxCalls is how many calls one Append or List has under way at once.
const maxCalls = 16

// Append writes logs and returns those that could not be written, with every
// cause joined in err. A log without an ID gets one: one atomic update per
// webhook reserves the ids for all of its logs, in their order.
//
// A returned log keeps the ID that was reserved for it, so the caller can queue
// it and append it again as often as it likes: it is written under that id
// and no other. So a log is written twice only when it was returned without an
// ID (the reservation failed, which Append never tries again by itself) and
// the message it was queued as is processed twice: its record was written, but
// the message was delivered again because SQS repeated it or the function
// ended before it could settle it. Recognising that would cost a read for each
// log; two lines with the same event and attempt in the history are harmless.
//
// A reservation whose answer was lost leaves a hole: ids without logs.
func (s *Store) Append(ctx context.Context, logs []attemptlog.Log) (failed []attemptlog.Log, err error) {
	reserved, failed, reserveErr := s.reserve(ctx, logs)
	unwritten, writeErr := s.write(ctx, reserved)
	return append(failed, unwritten...), errors.Join(reserveErr, writeErr)
}

// reserve gives an ID to each log that has none. Webhooks do not wait for each
// other.
func (s *Store) reserve(ctx context.Context, logs []attemptlog.Log) (reserved, failed []attemptlog.Log, err error) {
	groups := make(map[webhook.Key][]attemptlog.Log)
	for _, log := range logs {
		if log.ID != 0 {
			reserved = append(reserved, log)
			continue
		}
		groups[log.Webhook()] = append(groups[log.Webhook()], log)
	}
	var mu sync.Mutex
	var errs []error
	var calls errgroup.Group
	calls.SetLimit(maxCalls)
	for key, group := range groups {
		calls.Go(func() error {
			last, err := s.addIDs(ctx, key, len(group))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs, failed = append(errs, err), append(failed, group...)
				return nil
			}
			for i := range group {
				group[i].ID = last - int64(len(group)-1-i)
			}
			reserved = append(reserved, group...)
			return nil
		})
	}
	_ = calls.Wait() // no function above returns an error
	return reserved, failed, errors.Join(errs...)
}

// addIDs reserves n ids and returns the last of them.
func (s *Store) addIDs(ctx context.Context, key webhook.Key, n int) (int64, error) {
	add, err := expression.NewBuilder().WithUpdate(expression.Add(expression.Name(lastIDName), expression.Value(n))).Build()
	if err != nil {
		return 0, fmt.Errorf("build the reservation of log ids: %w", err)
	}
	out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &s.table,
		Key:                       primaryKey(key, 0),
		UpdateExpression:          add.Update(),
		ExpressionAttributeNames:  add.Names(),
		ExpressionAttributeValues: add.Values(),
		ReturnValues:              types.ReturnValueUpdatedNew,
	}, withoutRetries)
	if err != nil {
		return 0, fmt.Errorf("reserve %d log ids of webhook %d of tenant %s: %w", n, key.ID, key.TenantID, dynamo.Classify(err))
	}
	return lastID(out.Attributes)
}

// withoutRetries makes a call at most once. An ADD that is sent again after a
// lost answer adds twice, and every page and total would show the hole.
func withoutRetries(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }

// write puts logs, each of which has an ID, and returns those that could not
// be put.
func (s *Store) write(ctx context.Context, logs []attemptlog.Log) (unwritten []attemptlog.Log, err error) {
	var mu sync.Mutex
	var errs []error
	var calls errgroup.Group
	calls.SetLimit(maxCalls)
	for chunk := range slices.Chunk(distinct(logs), dynamo.MaxWrites) {
		calls.Go(func() error {
			left, err := s.writeBatch(ctx, chunk)
			mu.Lock()
			defer mu.Unlock()
			unwritten = append(unwritten, left...)
			errs = append(errs, err)
			return nil
		})
	}
	_ = calls.Wait() // no function above returns an error
	return unwritten, errors.Join(errs...)
}

// logKey names a log.
type logKey struct {
	webhook webhook.Key
	id      int64
}

func keyOf(log attemptlog.Log) logKey { return logKey{log.Webhook(), log.ID} }

// distinct drops the repetitions of a log: two copies of one queued log
// may come in one batch, and DynamoDB refuses a whole BatchWriteItem that names
// a key twice.
func distinct(logs []attemptlog.Log) []attemptlog.Log {
	seen := make(map[logKey]bool, len(logs))
	var once []attemptlog.Log
	for _, log := range logs {
		if !seen[keyOf(log)] {
			seen[keyOf(log)] = true
			once = append(once, log)
		}
	}
	return once
}
