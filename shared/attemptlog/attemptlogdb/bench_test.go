package attemptlogdb_test

import (
	"context"
	"fmt"
	"slices"
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

// counted is the answer to a reservation.
var counted = map[string]types.AttributeValue{
	"last_id": &types.AttributeValueMemberN{Value: "10"}, "last_problem": &types.AttributeValueMemberN{Value: "0"},
}

func (accepting) UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return &dynamodb.UpdateItemOutput{Attributes: counted}, nil
}

func (accepting) BatchExecuteStatement(_ context.Context, in *dynamodb.BatchExecuteStatementInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchExecuteStatementOutput, error) {
	return &dynamodb.BatchExecuteStatementOutput{Responses: slices.Repeat([]types.BatchStatementResponse{{Item: counted}}, len(in.Statements))}, nil
}

func (accepting) BatchWriteItem(context.Context, *dynamodb.BatchWriteItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error) {
	return &dynamodb.BatchWriteItemOutput{}, nil
}

// BenchmarkAppend appends ten logs of one webhook, or one log of each of ten.
func BenchmarkAppend(b *testing.B) {
	for _, webhooks := range []int64{1, 10} {
		b.Run(fmt.Sprintf("%d webhooks", webhooks), func(b *testing.B) {
			store := attemptlogdb.New(accepting{}, "logs", retention)
			logs := make([]attemptlog.Log, 10)
			for i := range logs {
				logs[i] = attemptlog.Log{
					TenantID: "acme", WebhookID: 1 + int64(i)%webhooks, EventID: "evt_1", EventType: event.TrainingFailed,
					Trigger: attemptlog.FirstAttempt, Attempt: 1,
					Outcome: attemptlog.Delivered, StatusCode: 200, ResponseTime: 120 * time.Millisecond,
					ResponseBody: `{"received":true}`, CreatedAt: time.UnixMilli(1769421600007),
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := store.Append(b.Context(), attemptlog.Chunks(logs)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
