package attemptlogdb_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/attemptlog"
	"webhooks/shared/attemptlog/attemptlogdb"
	"webhooks/shared/event"
)

// accepting is a table that accepts every write at once, so that the benchmark measures
// only the store.
type accepting struct{ attemptlogdb.DynamoDB }

func (accepting) UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	last := map[string]types.AttributeValue{"last_id": &types.AttributeValueMemberN{Value: "10"}}
	return &dynamodb.UpdateItemOutput{Attributes: last}, nil
}

func (accepting) BatchWriteItem(context.Context, *dynamodb.BatchWriteItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error) {
	return &dynamodb.BatchWriteItemOutput{}, nil
}

func BenchmarkAppend(b *testing.B) {
	store := attemptlogdb.New(accepting{}, "logs", retention)
	logs := make([]attemptlog.Log, 10)
	for i := range logs {
		logs[i] = attemptlog.Log{
			TenantID: "acme", WebhookID: 7, EventID: "evt_1", EventType: event.TrainingFailed, Attempt: 1,
			Outcome: attemptlog.Delivered, StatusCode: 200, ResponseTime: 120 * time.Millisecond,
			ResponseBody: `{"received":true}`, CreatedAt: time.UnixMilli(1769421600007),
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := store.Append(b.Context(), logs); err != nil {
			b.Fatal(err)
		}
	}
}
