package main

import (
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"webhooks/shared/attemptlog"
	"webhooks/shared/attemptlog/attemptlogdb"
	"webhooks/shared/delivery"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/webhookdb"
)

// bundle is the built function, on tables and queues of its own.
type bundle struct {
	handler  lambda.Handler
	webhooks *webhookdb.Store
	logs     *attemptlogdb.Store
	queue    string
}

// environment returns every variable that the function needs.
func environment(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{
		"WEBHOOKS_TABLE": cloudtest.Table(t, "WebhooksTable"), "EVENTS_TABLE": cloudtest.Table(t, "EventsTable"),
		"LOGS_TABLE": cloudtest.Table(t, "LogsTable"), "RETRIES_TABLE": cloudtest.Table(t, "RetriesTable"),
		"DELIVERIES_QUEUE_URL": cloudtest.Queue(t), "DEAD_LETTERS_QUEUE_URL": cloudtest.Queue(t),
		"SLOW_QUEUE_URL": cloudtest.Queue(t), "SLOW_QUEUE_ARN": "arn:aws:sqs:us-east-1:000000000000:slow",
		"MAX_RECEIVE_COUNT": "50", "VISIBILITY_SECONDS": "360", "RETRY_SCHEDULE": "5,300,1800", "LOG_RETENTION_DAYS": "30",
		"EVENT_RETENTION_DAYS":    "30",
		"ATTEMPT_TIMEOUT_SECONDS": "15", "RESPONSE_BODY_BYTES": "512", "LOCAL_RECEIVERS": "true",
	}
}

func setup(t *testing.T) bundle {
	t.Helper()
	variables := environment(t)
	function, err := build(slog.New(slog.DiscardHandler), cloudtest.Getenv(t, variables))
	if err != nil {
		t.Fatal(err)
	}
	db := dynamodb.NewFromConfig(cloudtest.Config(t))
	return bundle{
		handler: lambda.NewHandler(function), webhooks: webhookdb.New(db, variables["WEBHOOKS_TABLE"]),
		logs: attemptlogdb.New(db, variables["LOGS_TABLE"], 30*24*time.Hour), queue: variables["DELIVERIES_QUEUE_URL"],
	}
}

// invoke invokes the function with the sample event, whose receiver answers status.
// It returns the function's response and the logs.
func (b bundle) invoke(t *testing.T, status int) (response string, logs []attemptlog.Log) {
	t.Helper()
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	defer receiver.Close()
	w, err := b.webhooks.Create(t.Context(), webhooktest.Webhook("demo", func(w *webhook.Webhook) { w.URL = receiver.URL }), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	payload, err := b.handler.Invoke(t.Context(), cloudtest.Event(t, "dispatcher.json"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := b.logs.List(t.Context(), w.Key(), math.MaxInt64, 1, 100, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return string(payload), page.Logs
}

// settled is the response when every message is settled. The list is never null.
const settled = `{"batchItemFailures":[]}`

func TestTheSampleEventIsDelivered(t *testing.T) {
	t.Parallel()
	response, logs := setup(t).invoke(t, http.StatusOK)
	if response != settled || len(logs) != 1 || logs[0].Outcome != attemptlog.Delivered || logs[0].EventID != "env-42-created" {
		t.Errorf("response %s, logs %+v", response, logs)
	}
}

func TestTheNextAttemptIsQueued(t *testing.T) {
	t.Parallel()
	b := setup(t)
	response, logs := b.invoke(t, http.StatusInternalServerError)
	if response != settled || len(logs) != 1 || logs[0].Outcome != attemptlog.Retrying {
		t.Fatalf("response %s, logs %+v", response, logs)
	}
	// The sample is long overdue. Its next attempt keeps its planned time, which is in
	// the past, and is due after the shortest pause between two attempts.
	past, pause := logs[0].CreatedAt.Add(-24*time.Hour), logs[0].NextAttemptAt.Sub(logs[0].CreatedAt)
	out, err := sqs.NewFromConfig(cloudtest.Config(t)).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &b.queue, WaitTimeSeconds: 5})
	if err != nil || len(out.Messages) != 1 {
		t.Fatalf("received %v, %v", out, err)
	}
	m, err := delivery.Decode([]byte(*out.Messages[0].Body))
	if err != nil {
		t.Fatal(err)
	}
	next, err := m.Only()
	if err != nil || next.Attempt != 2 || next.Planned.After(past) || !next.Due.Equal(logs[0].NextAttemptAt) || pause < 2*time.Second {
		t.Errorf("message %s (%v), want attempt 2, planned in the past and due after a pause, got %v", *out.Messages[0].Body, err, pause)
	}
}

// A schedule that is too long is logged and does not stop the function.
func TestALongScheduleIsLogged(t *testing.T) {
	t.Parallel()
	for schedule, lines := range map[string]int{"604800,604800": 1, "604800": 0} {
		variables, log := environment(t), new(strings.Builder)
		variables["RETRY_SCHEDULE"] = schedule
		if _, err := build(slog.New(slog.NewJSONHandler(log, nil)), cloudtest.Getenv(t, variables)); err != nil {
			t.Errorf("RETRY_SCHEDULE=%s: %v", schedule, err)
		}
		if got := strings.Count(log.String(), `"level":"ERROR"`); got != lines {
			t.Errorf("RETRY_SCHEDULE=%s: %d errors logged, want %d:\n%s", schedule, got, lines, log)
		}
	}
}
