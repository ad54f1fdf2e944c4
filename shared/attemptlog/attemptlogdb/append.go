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

// maxCalls is how many concurrent calls one Append or List makes.
const maxCalls = 16

// Append writes logs and returns those that it could not write, with every cause
// joined in err. It reserves ids for the logs without an ID, in their order, with
// one atomic update per webhook.
//
// A returned log keeps the ID that was reserved for it. The caller can append it
// again any number of times: it is always written under that ID.
//
// A log can be written twice, under two ids, if its reservation failed and its queued
// message is then processed twice. Append does not detect that: it would cost a read
// for each log, and two logs with the same event and attempt do no harm.
//
// A reservation whose response was lost leaves a hole: ids without logs.
func (s *Store) Append(ctx context.Context, logs []attemptlog.Log) (failed []attemptlog.Log, err error) {
	reserved, failed, reserveErr := s.reserve(ctx, logs)
	unwritten, writeErr := s.write(ctx, reserved)
	return append(failed, unwritten...), errors.Join(reserveErr, writeErr)
}

// reserve sets the ID of each log that has none. The webhooks' reservations are
// concurrent.
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

// withoutRetries turns the SDK's retries off. An ADD that is retried after a lost
// response adds twice and leaves a hole, which every page and total would show.
func withoutRetries(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }

// write puts logs, all of which have an ID, and returns those that it could not
// put.
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

// logKey identifies a log.
type logKey struct {
	webhook webhook.Key
	id      int64
}

func keyOf(log attemptlog.Log) logKey { return logKey{log.Webhook(), log.ID} }

// distinct returns logs without duplicates. A batch may contain two copies of a
// queued log, and DynamoDB refuses a BatchWriteItem that contains a key twice.
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
