package retrydb_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/delivery"
	"webhooks/shared/delivery/retrydb"
	"webhooks/shared/event"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/faulttest"
	"webhooks/shared/webhook"
)

var due = time.Date(2026, 1, 26, 10, 0, 7, 89_000_000, time.UTC)

// bundle is a store on a table of its own.
type bundle struct {
	*retrydb.Store
	client *dynamodb.Client
	faults *faulttest.Faults
	table  string
	pauses *atomic.Int32
}

func setup(t *testing.T) bundle {
	t.Helper()
	client := dynamodb.NewFromConfig(cloudtest.Config(t))
	b := bundle{client: client, faults: new(faulttest.Faults), table: cloudtest.Table(t, "RetriesTable"), pauses: new(atomic.Int32)}
	b.Store = retrydb.New(dynamodb.NewFromConfig(b.faults.Config(cloudtest.Config(t))), b.table)
	b.SetPause(func(ctx context.Context, _ int) error {
		b.pauses.Add(1)
		return ctx.Err()
	})
	return b
}

// sample returns a delivery of event number n, without its body.
func sample(n int) delivery.Delivery {
	return delivery.Delivery{
		Webhook: webhook.Key{TenantID: "acme", ID: 7}, Event: event.Key{TenantID: "acme", ID: fmt.Sprintf("evt_%03d", n)},
		Type: event.TrainingFailed, Attempt: 4, Due: due, Hash: event.Hash{1, 2, 3},
	}
}

func samples(n int) []delivery.Delivery {
	list := make([]delivery.Delivery, 0, n)
	for i := range n {
		list = append(list, sample(i))
	}
	return list
}

// put stores deliveries. It fails if one is not stored.
func (b bundle) put(t *testing.T, deliveries ...delivery.Delivery) {
	t.Helper()
	for i, err := range b.PutMany(t.Context(), deliveries, due) {
		if err != nil {
			t.Fatalf("delivery %d: %v", i, err)
		}
	}
}

// list returns all rows of a minute, and the number of pages of each shard.
func (b bundle) list(t *testing.T, m retrydb.Minute) (rows []retrydb.Row, pages [retrydb.Shards]int) {
	t.Helper()
	for shard := range retrydb.Shards {
		for after := ""; ; {
			page, next, unreadable, err := b.List(t.Context(), m, shard, after)
			if err != nil || unreadable != nil {
				t.Fatalf("shard %d: %v, unreadable: %v", shard, err, unreadable)
			}
			rows, pages[shard] = append(rows, page...), pages[shard]+1
			if after = next; after == "" {
				break
			}
		}
	}
	return rows, pages
}

// raw returns all items of the table.
func (b bundle) raw(t *testing.T) []map[string]types.AttributeValue {
	t.Helper()
	out, err := b.client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &b.table})
	if err != nil {
		t.Fatal(err)
	}
	return out.Items
}

// text returns a string attribute.
func text(value string) *types.AttributeValueMemberS {
	return &types.AttributeValueMemberS{Value: value}
}

// insert writes an item that the store itself never writes.
func (b bundle) insert(t *testing.T, partition, id, message string) {
	t.Helper()
	_, err := b.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &b.table, Item: map[string]types.AttributeValue{
		"due": text(partition), "id": text(id), "message": text(message), "ttl": &types.AttributeValueMemberN{Value: "1"},
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// partitionOf returns the partition key of a stored row.
func partitionOf(t *testing.T, item map[string]types.AttributeValue) string {
	t.Helper()
	value, ok := item["due"].(*types.AttributeValueMemberS)
	if !ok || !strings.Contains(value.Value, "#") {
		t.Fatalf("row %v has no partition key", item)
	}
	return value.Value
}
