package dynamo_test

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/apperr"
	"webhooks/shared/aws/dynamo"
)

func TestBatchGetReadsTwoTablesInOneRequest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(t, 2)
	read := dynamo.BatchGet(t.Context(), b, b.pause,
		dynamo.Keys{Table: b.events, Keys: keys(event, 3), Attributes: []string{"event", "seen"}}, dynamo.Keys{Table: b.retries, Keys: keys(retry, 2)})
	if err := read.Err(); err != nil {
		t.Fatal(err)
	}
	events, projected := names(read.Rows[b.events], "event")
	retries, all := names(read.Rows[b.retries], "id")
	if diff := cmp.Diff([][]string{{"e000", "e001"}, {"r000", "r001"}}, [][]string{events, retries}); diff != "" || projected != 2 || all != 4 {
		t.Errorf("rows of %d and %d attributes (-want +got):\n%s", projected, all, diff)
	}
	if len(b.gets) != 1 || len(b.pauses) != 0 {
		t.Errorf("%d requests, %d pauses, want 1 and none", len(b.gets), len(b.pauses))
	}
	for table, request := range b.gets[0] {
		if !aws.ToBool(request.ConsistentRead) {
			t.Errorf("the read of %s is not strongly consistent", table)
		}
	}
}

func TestBatchGetWithoutKeysMakesNoRequest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	read := dynamo.BatchGet(t.Context(), b, b.pause, dynamo.Keys{Table: b.events})
	if read.Err() != nil || len(read.Rows) != 0 || len(b.gets) != 0 {
		t.Errorf("BatchGet = %v after %d requests", read, len(b.gets))
	}
}

// The limit of 100 keys in a request counts the keys of all tables.
func TestBatchGetSplitsLongLists(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(t, 2)
	read := dynamo.BatchGet(t.Context(), b, b.pause, dynamo.Keys{Table: b.events, Keys: keys(event, 130)}, dynamo.Keys{Table: b.retries, Keys: keys(retry, 90)})
	if read.Err() != nil || len(read.Rows[b.events]) != 2 || len(read.Rows[b.retries]) != 2 {
		t.Fatalf("%d and %d rows, %v, want 2 of each", len(read.Rows[b.events]), len(read.Rows[b.retries]), read.Err())
	}
	var sizes [][2]int
	for _, request := range b.gets {
		sizes = append(sizes, [2]int{len(request[b.events].Keys), len(request[b.retries].Keys)})
	}
	if diff := cmp.Diff([][2]int{{100, 0}, {30, 70}, {0, 20}}, sizes); diff != "" {
		t.Errorf("keys of the requests (-want +got):\n%s", diff)
	}
}

func TestBatchGetRetriesUnprocessedKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(t, 1)
	b.unprocessedKeys = func(call int, request map[string]types.KeysAndAttributes) map[string]types.KeysAndAttributes {
		left := maps.Clone(request)
		switch call {
		case 1: // everything
		case 2:
			delete(left, b.events)
		default:
			clear(left)
		}
		return left
	}
	read := dynamo.BatchGet(t.Context(), b, b.pause, dynamo.Keys{Table: b.events, Keys: keys(event, 1)}, dynamo.Keys{Table: b.retries, Keys: keys(retry, 1)})
	if read.Err() != nil || len(read.Rows[b.events]) != 1 || len(read.Rows[b.retries]) != 1 {
		t.Errorf("rows = %v, %v, want one of each", read.Rows, read.Err())
	}
	if diff := cmp.Diff([]int{0, 1}, b.pauses); diff != "" || len(b.gets) != 3 {
		t.Errorf("%d requests, pauses (-want +got):\n%s", len(b.gets), diff)
	}
}

func TestBatchGetGivesUp(t *testing.T) {
	t.Parallel()
	ended, end := context.WithCancel(t.Context())
	end()
	for name, tt := range map[string]struct {
		ctx   context.Context
		calls int
		err   error
		want  apperr.Reason
	}{
		"keys stay unprocessed": {ctx: t.Context(), calls: 8, want: apperr.TemporarilyUnavailable},
		"the context ends":      {ctx: ended, calls: 1, want: apperr.TemporarilyUnavailable},
		"throttled":             {ctx: t.Context(), err: &types.ThrottlingException{}, calls: 1, want: apperr.TemporarilyUnavailable},
		"another error":         {ctx: t.Context(), err: errDown, calls: 1, want: apperr.InternalError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.err = tt.err
			b.unprocessedKeys = func(_ int, request map[string]types.KeysAndAttributes) map[string]types.KeysAndAttributes {
				return request
			}
			read := dynamo.BatchGet(tt.ctx, b, b.pause, dynamo.Keys{Table: b.events, Keys: keys(event, 1)})
			err := read.Failed(b.events, event(0))
			if apperr.From(err).Reason != tt.want || err == nil || len(read.Rows) != 0 || len(b.gets) != tt.calls {
				t.Errorf("BatchGet = %v, %v after %d requests, want %d", read.Rows, err, len(b.gets), tt.calls)
			}
			if tt.err != nil && !errors.Is(err, tt.err) {
				t.Errorf("%v does not wrap its cause", err)
			}
		})
	}
}

// One key that DynamoDB never reads fails alone: not the other keys of its request,
// and not those of other requests.
func TestBatchGetFailsOnlyUnreadKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(t, 3)
	hot := map[string]types.KeysAndAttributes{b.events: {Keys: keys(event, 2)[1:]}}
	b.unprocessedKeys = func(_ int, request map[string]types.KeysAndAttributes) map[string]types.KeysAndAttributes {
		if slices.ContainsFunc(request[b.events].Keys, func(key dynamo.Item) bool { return reflect.DeepEqual(key, event(1)) }) {
			return hot
		}
		return nil
	}
	read := dynamo.BatchGet(t.Context(), b, b.pause,
		dynamo.Keys{Table: b.events, Keys: keys(event, 101)}, dynamo.Keys{Table: b.retries, Keys: keys(retry, 3)})
	events, _ := names(read.Rows[b.events], "event")
	retries, _ := names(read.Rows[b.retries], "id")
	if diff := cmp.Diff([][]string{{"e000", "e002"}, {"r000", "r001", "r002"}}, [][]string{events, retries}); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	for i := range 101 {
		if err := read.Failed(b.events, event(i)); (err != nil) != (i == 1) {
			t.Errorf("key %d: %v", i, err)
		}
	}
	if err := read.Failed(b.retries, retry(1)); err != nil || !apperr.Is(read.Err(), apperr.TemporarilyUnavailable) {
		t.Errorf("the other table's key: %v; the batch: %v", err, read.Err())
	}
}

func puts(n int) []types.WriteRequest {
	var list []types.WriteRequest
	for i := range n {
		list = append(list, types.WriteRequest{PutRequest: &types.PutRequest{Item: event(i)}})
	}
	return list
}

func TestBatchWriteRetriesUnprocessedWrites(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.unprocessedPuts = func(call int, requests []types.WriteRequest) int { return []int{4, 4, 1, 0}[call-1] }
	if left, err := dynamo.BatchWrite(t.Context(), b, b.pause, b.events, puts(5)); err != nil || len(left) > 0 {
		t.Fatalf("BatchWrite left %d, %v", len(left), err)
	}
	read := dynamo.BatchGet(t.Context(), b, b.pause, dynamo.Keys{Table: b.events, Keys: keys(event, 5)})
	if read.Err() != nil || len(read.Rows[b.events]) != 5 {
		t.Errorf("%d rows, %v, want 5", len(read.Rows[b.events]), read.Err())
	}
	if diff := cmp.Diff([]int{0, 1, 2}, b.pauses); diff != "" {
		t.Errorf("pauses (-want +got):\n%s", diff)
	}
}

func TestBatchWriteReturnsUnprocessedWrites(t *testing.T) {
	t.Parallel()
	ended, end := context.WithCancel(t.Context())
	end()
	for name, tt := range map[string]struct {
		ctx   context.Context
		err   error
		left  int
		calls int
		want  apperr.Reason
	}{
		"writes stay unprocessed": {ctx: t.Context(), left: 2, calls: 8, want: apperr.TemporarilyUnavailable},
		"the context ends":        {ctx: ended, left: 2, calls: 1, want: apperr.TemporarilyUnavailable},
		"throttled":               {ctx: t.Context(), err: &types.ThrottlingException{}, left: 5, calls: 1, want: apperr.TemporarilyUnavailable},
		"another error":           {ctx: t.Context(), err: errDown, left: 5, calls: 1, want: apperr.InternalError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.err = tt.err
			b.unprocessedPuts = func(int, []types.WriteRequest) int { return tt.left }
			left, err := dynamo.BatchWrite(tt.ctx, b, b.pause, b.events, puts(5))
			if err == nil || apperr.From(err).Reason != tt.want || len(left) != tt.left || b.writes != tt.calls {
				t.Errorf("BatchWrite left %d, %v after %d requests, want %d after %d", len(left), err, b.writes, tt.left, tt.calls)
			}
		})
	}
}

// DynamoDB refuses a whole BatchWriteItem for one invalid item. The other items are
// written.
func TestBatchWriteFailsOnlyTheInvalidItem(t *testing.T) {
	t.Parallel()
	b := setup(t)
	requests := puts(5)
	requests[2].PutRequest.Item = dynamo.Item{"other": &types.AttributeValueMemberS{Value: "no key"}}
	left, err := dynamo.BatchWrite(t.Context(), b, b.pause, b.events, requests)
	if err == nil || len(left) != 1 || left[0].PutRequest != requests[2].PutRequest {
		t.Errorf("BatchWrite left %v, %v, want the item without a key", left, err)
	}
	if read := dynamo.BatchGet(t.Context(), b, b.pause, dynamo.Keys{Table: b.events, Keys: keys(event, 5)}); len(read.Rows[b.events]) != 4 {
		t.Errorf("%d rows, want 4", len(read.Rows[b.events]))
	}
}
