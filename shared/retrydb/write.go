package retrydb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	// maxWrites is the limit of BatchWriteItem.
	maxWrites = 25
	// writeTries bounds how often what DynamoDB left unprocessed is sent again.
	writeTries = 5
	// firstPause is the longest pause before the first repetition.
	firstPause = 50 * time.Millisecond
)

var errUnprocessed = errors.New("DynamoDB left the write unprocessed")

// write makes requests and returns the errors of those that failed.
func (s *Store) write(ctx context.Context, requests map[rowKey]types.WriteRequest) map[rowKey]error {
	failed := make(map[rowKey]error)
	for chunk := range slices.Chunk(slices.Collect(maps.Keys(requests)), maxWrites) {
		pending := make([]types.WriteRequest, 0, len(chunk))
		for _, key := range chunk {
			pending = append(pending, requests[key])
		}
		left, err := s.writeChunk(ctx, pending)
		for _, request := range left {
			failed[requestKey(request)] = fmt.Errorf("write retries: %w", err)
		}
	}
	return failed
}

// writeChunk makes requests and returns those that were not made, and why. Only
// those: behind each of them is an attempt that would be made again.
func (s *Store) writeChunk(ctx context.Context, requests []types.WriteRequest) (left []types.WriteRequest, err error) {
	for n := 0; ; n++ {
		output, err := s.api.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{s.table: requests},
		})
		if err != nil {
			return requests, err
		}
		if requests = output.UnprocessedItems[s.table]; len(requests) == 0 {
			return nil, nil
		}
		if n+1 == writeTries {
			return requests, errUnprocessed
		}
		if err := s.pause(ctx, n); err != nil {
			return requests, errors.Join(errUnprocessed, err)
		}
	}
}

// requestKey returns the key of the row that request writes or deletes.
func requestKey(request types.WriteRequest) rowKey {
	var attributes map[string]types.AttributeValue
	if request.PutRequest != nil {
		attributes = request.PutRequest.Item
	} else if request.DeleteRequest != nil {
		attributes = request.DeleteRequest.Key
	}
	due, _ := attributes["due"].(*types.AttributeValueMemberS)
	id, _ := attributes["id"].(*types.AttributeValueMemberS)
	if due == nil || id == nil {
		return rowKey{} // never: rowKey.item and Put set both
	}
	return rowKey{due.Value, id.Value}
}

// Pause waits before try number n + 2 (n counts from 0), or returns the error
// of ctx when that ends first.
type Pause func(ctx context.Context, n int) error

// Backoff is the [Pause] of a Store: a random part of a doubling delay, since
// what DynamoDB leaves unprocessed was throttled.
func Backoff(ctx context.Context, n int) error {
	timer := time.NewTimer(time.Duration(rand.Float64() * float64(firstPause<<min(n, writeTries)))) // #nosec G404 -- jitter is no secret
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
