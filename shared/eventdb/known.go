package eventdb

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/event"
)

// Limits of a read of known events. A BatchGetItem that leaves keys unread is a
// success to the SDK, so its own retries do not cover it: it is asked again
// after a pause, and given up after about two seconds, in time for the batch
// to be handed back to the queue.
const (
	maxKeys    = 100 // of one BatchGetItem
	readTries  = 8
	firstPause = 20 * time.Millisecond // doubled before each further try
)

var errUnread = errors.New("DynamoDB left keys unread")

// Known returns the hashes of those keys that are stored and not expired at
// now. The read is strongly consistent.
func (s *Store) Known(ctx context.Context, keys []event.Key, now time.Time) (map[event.Key]event.Hash, error) {
	byRow := make(map[string]event.Key, len(keys))
	var distinct []map[string]types.AttributeValue // DynamoDB refuses a batch with the same key twice
	for _, key := range keys {
		if _, twice := byRow[rowKey(key)]; !twice {
			byRow[rowKey(key)] = key
			distinct = append(distinct, itemKey(rowKey(key)))
		}
	}
	known := make(map[event.Key]event.Hash)
	for chunk := range slices.Chunk(distinct, maxKeys) {
		rows, err := s.readKnown(ctx, chunk)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			// DynamoDB deletes expired items days late:
			// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
			if r.TTL > now.Unix() && len(r.Hash) == len(event.Hash{}) {
				known[byRow[r.Event]] = event.Hash(r.Hash)
			}
		}
	}
	return known, nil
}

// readKnown reads key, hash and ttl of the rows that exist among at most
// maxKeys keys.
func (s *Store) readKnown(ctx context.Context, keys []map[string]types.AttributeValue) ([]row, error) {
	projection, err := expression.NewBuilder().WithProjection(
		expression.NamesList(expression.Name("event"), expression.Name("hash"), expression.Name("ttl"))).Build()
	if err != nil {
		return nil, fmt.Errorf("build the projection: %w", err)
	}
	request := map[string]types.KeysAndAttributes{s.table: {
		Keys: keys, ConsistentRead: aws.Bool(true),
		ProjectionExpression: projection.Projection(), ExpressionAttributeNames: projection.Names(),
	}}
	var found []row
	for n := range readTries {
		if err := pause(ctx, n); err != nil {
			return nil, fmt.Errorf("read known events: %w", err)
		}
		output, err := s.api.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: request})
		if err != nil {
			return nil, fmt.Errorf("read known events: %w", err)
		}
		var rows []row
		if err := attributevalue.UnmarshalListOfMaps(output.Responses[s.table], &rows); err != nil {
			return nil, fmt.Errorf("read a known event: %w", err)
		}
		found = append(found, rows...)
		if request = output.UnprocessedKeys; len(request) == 0 {
			return found, nil
		}
	}
	return nil, fmt.Errorf("read known events in %d tries: %w", readTries, errUnread)
}

// pause waits before try n, counted from 0, a random half of a doubling time:
// many functions that were throttled together must not come back together.
func pause(ctx context.Context, n int) error {
	if n == 0 {
		return nil
	}
	limit := firstPause << (n - 1)
	timer := time.NewTimer(limit/2 + rand.N(limit/2)) // #nosec G404 -- jitter is no secret
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
