package retrydb

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/aws/dynamo"
)

// write sends requests and returns the errors of those that failed, by row.
func (s *Store) write(ctx context.Context, requests map[rowKey]types.WriteRequest) map[rowKey]error {
	failed := make(map[rowKey]error)
	for chunk := range slices.Chunk(slices.Collect(maps.Keys(requests)), dynamo.MaxWrites) {
		pending := make([]types.WriteRequest, 0, len(chunk))
		for _, key := range chunk {
			pending = append(pending, requests[key])
		}
		// Only the requests in left have failed. A stored row that is reported as failed
		// would get a copy in the queue.
		left, err := dynamo.BatchWrite(ctx, s.client, s.pause, s.table, pending)
		for _, request := range left {
			failed[requestKey(request)] = fmt.Errorf("write retries: %w", err)
		}
	}
	return failed
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
		return rowKey{} // unreachable: rowKey.item and PutMany set both
	}
	return rowKey{due.Value, id.Value}
}
