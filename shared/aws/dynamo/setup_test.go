package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/aws/dynamo"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/faulttest"
)

var errDown = errors.New("down")

// bundle is two tables and a client. Its batches leave the keys and writes that
// the functions return unprocessed, or fail with err.
type bundle struct {
	*dynamodb.Client
	direct          *dynamodb.Client // without faults
	events, retries string
	pauses          []int
	gets            []map[string]types.KeysAndAttributes // the reads made
	writes          int                                  // the number of writes made
	unprocessedKeys func(call int, request map[string]types.KeysAndAttributes) map[string]types.KeysAndAttributes
	unprocessedPuts func(call int, requests []types.WriteRequest) int // how many, from the end
	err             error
}

func setup(t *testing.T) *bundle {
	t.Helper()
	var faults faulttest.Faults
	cfg := cloudtest.Config(t)
	b := &bundle{
		Client: dynamodb.NewFromConfig(faults.Config(cfg)), direct: dynamodb.NewFromConfig(cfg),
		events: cloudtest.Table(t, "EventsTable"), retries: cloudtest.Table(t, "RetriesTable"),
	}
	b.unprocessedKeys = func(int, map[string]types.KeysAndAttributes) map[string]types.KeysAndAttributes { return nil }
	b.unprocessedPuts = func(int, []types.WriteRequest) int { return 0 }
	faulttest.On(&faults, func(in *dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error) { return b.read(t, in) })
	faulttest.On(&faults, func(in *dynamodb.BatchWriteItemInput) (*dynamodb.BatchWriteItemOutput, error) { return b.write(t, in) })
	return b
}

func (b *bundle) read(t *testing.T, in *dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error) {
	b.gets = append(b.gets, in.RequestItems)
	if b.err != nil {
		return nil, b.err
	}
	left := b.unprocessedKeys(len(b.gets), in.RequestItems)
	asked := make(map[string]types.KeysAndAttributes)
	for table, part := range in.RequestItems {
		rest := part
		rest.Keys = slices.DeleteFunc(slices.Clone(part.Keys), func(key dynamo.Item) bool {
			return slices.ContainsFunc(left[table].Keys, func(unread dynamo.Item) bool { return reflect.DeepEqual(key, unread) })
		})
		if len(rest.Keys) > 0 {
			asked[table] = rest
		}
	}
	out := &dynamodb.BatchGetItemOutput{}
	if len(asked) > 0 {
		response, err := b.direct.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: asked})
		if err != nil {
			return nil, err
		}
		out = response
	}
	out.UnprocessedKeys = left
	return out, nil
}

func (b *bundle) write(t *testing.T, in *dynamodb.BatchWriteItemInput) (*dynamodb.BatchWriteItemOutput, error) {
	b.writes++
	if b.err != nil {
		return nil, b.err
	}
	for table, requests := range in.RequestItems {
		done := len(requests) - b.unprocessedPuts(b.writes, requests)
		if done > 0 {
			request := map[string][]types.WriteRequest{table: requests[:done]}
			if _, err := b.direct.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: request}); err != nil {
				return nil, err
			}
		}
		return &dynamodb.BatchWriteItemOutput{UnprocessedItems: map[string][]types.WriteRequest{table: requests[done:]}}, nil
	}
	return nil, errors.New("a batch without a table")
}

func (b *bundle) pause(ctx context.Context, n int) error {
	b.pauses = append(b.pauses, n)
	return ctx.Err()
}

func event(i int) dynamo.Item {
	return dynamo.Item{"event": &types.AttributeValueMemberS{Value: fmt.Sprintf("e%03d", i)}}
}

func retry(i int) dynamo.Item {
	return dynamo.Item{
		"due": &types.AttributeValueMemberS{Value: "now"}, "id": &types.AttributeValueMemberS{Value: fmt.Sprintf("r%03d", i)},
	}
}

// fill puts n rows in each table.
func (b *bundle) fill(t *testing.T, n int) {
	t.Helper()
	for table, key := range map[string]func(int) dynamo.Item{b.events: event, b.retries: retry} {
		for i := range n {
			item := key(i)
			item["seen"], item["hidden"] = &types.AttributeValueMemberBOOL{Value: true}, &types.AttributeValueMemberBOOL{Value: true}
			if _, err := b.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: item}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func keys(key func(int) dynamo.Item, n int) []dynamo.Item {
	var list []dynamo.Item
	for i := range n {
		list = append(list, key(i))
	}
	return list
}

// names returns the sorted values of an attribute and the number of attributes of
// the last row.
func names(rows []dynamo.Item, attribute string) (list []string, attributes int) {
	for _, row := range rows {
		name, _ := row[attribute].(*types.AttributeValueMemberS)
		list, attributes = append(list, name.Value), len(row)
	}
	return slices.Sorted(slices.Values(list)), attributes
}
