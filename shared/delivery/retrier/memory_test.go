package retrier_test

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

type item = map[string]types.AttributeValue

// memory is a retries table in memory, for tests with a fake clock and tests that
// simulate days. It has only the calls of the store; package retrydb tests the store
// with DynamoDB.
type memory struct {
	mu   sync.Mutex
	rows map[string]map[string]item // by due, by id
	// query runs before each query.
	query func()
}

func newMemory() *memory { return &memory{rows: make(map[string]map[string]item)} }

func text(value types.AttributeValue) string {
	s, _ := value.(*types.AttributeValueMemberS)
	return s.Value
}

func (m *memory) put(i item) {
	due := text(i["due"])
	if m.rows[due] == nil {
		m.rows[due] = make(map[string]item)
	}
	m.rows[due][text(i["id"])] = i
}

func (m *memory) BatchWriteItem(_ context.Context, in *dynamodb.BatchWriteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, requests := range in.RequestItems {
		for _, r := range requests {
			if r.PutRequest != nil {
				m.put(r.PutRequest.Item)
			} else {
				delete(m.rows[text(r.DeleteRequest.Key["due"])], text(r.DeleteRequest.Key["id"]))
			}
		}
	}
	return &dynamodb.BatchWriteItemOutput{}, nil
}

func (m *memory) GetItem(_ context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &dynamodb.GetItemOutput{Item: m.rows[text(in.Key["due"])][text(in.Key["id"])]}, nil
}

// PutItem writes the cursor. It only moves it forward.
func (m *memory) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old, exists := m.rows[text(in.Item["due"])][text(in.Item["id"])]
	if exists && minute(old) >= minute(in.Item) {
		return nil, &types.ConditionalCheckFailedException{}
	}
	m.put(in.Item)
	return &dynamodb.PutItemOutput{}, nil
}

func minute(cursor item) int64 {
	n, _ := cursor["minute"].(*types.AttributeValueMemberN)
	value, _ := strconv.ParseInt(n.Value, 10, 64)
	return value
}

func (m *memory) Query(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	if m.query != nil {
		m.query()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var due string
	for _, value := range in.ExpressionAttributeValues {
		due = text(value)
	}
	out := &dynamodb.QueryOutput{}
	for _, id := range slices.Sorted(maps.Keys(m.rows[due])) {
		if start := in.ExclusiveStartKey; start != nil && id <= text(start["id"]) {
			continue
		}
		out.Items = append(out.Items, m.rows[due][id])
		if len(out.Items) == int(*in.Limit) {
			out.LastEvaluatedKey = m.rows[due][id]
			break
		}
	}
	return out, nil
}

// waiting returns all rows.
func (m *memory) waiting() []item {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []item
	for due, rows := range m.rows {
		if due != "cursor" {
			list = slices.AppendSeq(list, maps.Values(rows))
		}
	}
	return list
}

// brokenCursor is a table whose cursor cannot be read.
type brokenCursor struct{ *memory }

func (brokenCursor) GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return nil, errBroken
}
