package main

import (
	"log/slog"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/delivery"
	"webhooks/shared/delivery/retrydb"
	"webhooks/shared/event"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/webhook"
)

func TestTheSampleEventMovesADueRow(t *testing.T) {
	t.Parallel()
	table, queue, cfg := cloudtest.Table(t, "RetriesTable"), cloudtest.Queue(t), cloudtest.Config(t)
	function, err := build(slog.New(slog.DiscardHandler), cloudtest.Getenv(t, map[string]string{
		"RETRIES_TABLE": table, "DELIVERIES_QUEUE_URL": queue,
	}))
	if err != nil {
		t.Fatal(err)
	}
	store := retrydb.New(dynamodb.NewFromConfig(cfg), table)
	now := time.Now().UTC().Truncate(time.Millisecond)
	want := delivery.Delivery{
		Webhook: webhook.Key{TenantID: "demo", ID: 1}, Event: event.Key{TenantID: "demo", ID: "evt_1"},
		Type: event.TrainingFailed, Attempt: 4, Due: now, Hash: event.Hash{1},
	}
	// Without a cursor the run would read the minutes of a whole day.
	if err := store.Advance(t.Context(), retrydb.MinuteOf(now.Add(-11*time.Minute))); err != nil {
		t.Fatal(err)
	}
	if err := store.PutMany(t.Context(), []delivery.Delivery{want}, time.Now())[0]; err != nil {
		t.Fatal(err)
	}
	if payload, err := lambda.NewHandler(function).Invoke(t.Context(), cloudtest.Event(t, "retrier.json")); err != nil {
		t.Fatalf("response %s, %v", payload, err)
	}
	out, err := sqs.NewFromConfig(cfg).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &queue, WaitTimeSeconds: 5})
	if err != nil || len(out.Messages) != 1 {
		t.Fatalf("received %v, %v", out, err)
	}
	got, err := delivery.Decode([]byte(*out.Messages[0].Body))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]delivery.Delivery{want}, got.Deliveries); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}
