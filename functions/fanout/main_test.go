package main

import (
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/delivery"
	"webhooks/shared/event"
	"webhooks/shared/event/eventdb"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/webhookdb"
)

// bundle is the built function, on tables and queues of its own.
type bundle struct {
	lambda.Handler
	webhooks                *webhookdb.Store
	events                  *eventdb.Store
	queues                  *sqs.Client
	deliveries, deadLetters string
	log                     *strings.Builder
}

func setup(t *testing.T) bundle {
	t.Helper()
	cfg, log := cloudtest.Config(t), new(strings.Builder)
	b := bundle{queues: sqs.NewFromConfig(cfg), deliveries: cloudtest.Queue(t), deadLetters: cloudtest.Queue(t), log: log}
	variables := map[string]string{
		"WEBHOOKS_TABLE":         cloudtest.Table(t, "WebhooksTable"),
		"EVENTS_TABLE":           cloudtest.Table(t, "EventsTable"),
		"DELIVERIES_QUEUE_URL":   b.deliveries,
		"DEAD_LETTERS_QUEUE_URL": b.deadLetters,
		"EVENT_RETENTION_DAYS":   "30",
		"MAX_RECEIVE_COUNT":      "50",
	}
	db := dynamodb.NewFromConfig(cfg)
	b.webhooks, b.events = webhookdb.New(db, variables["WEBHOOKS_TABLE"]), eventdb.New(db, variables["EVENTS_TABLE"], 0)
	function, err := build(slog.New(slog.NewJSONHandler(log, nil)), cloudtest.Getenv(t, variables))
	if err != nil {
		t.Fatal(err)
	}
	b.Handler = lambda.NewHandler(function)
	return b
}

// invoke invokes the function with payload and returns its response.
func (b bundle) invoke(t *testing.T, payload []byte) string {
	t.Helper()
	response, err := b.Invoke(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(response))
}

// bodies returns the bodies of up to ten messages of a queue, sorted.
func (b bundle) bodies(t *testing.T, url string) []string {
	t.Helper()
	out, err := b.queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, m := range out.Messages {
		list = append(list, *m.Body)
	}
	slices.Sort(list)
	return list
}

func TestSampleEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w, err := b.webhooks.Create(t.Context(), webhooktest.Webhook("demo", func(w *webhook.Webhook) { w.Events = event.Types() }), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	sample := cloudtest.Event(t, "fanout.json")
	for range 2 { // the second time, both events are duplicates
		if got := b.invoke(t, sample); got != `{"batchItemFailures":[]}` {
			t.Errorf("response = %s", got)
		}
	}
	want := map[string]string{
		"env-42-created":                       `{"type":"environment.created","timestamp":"2026-01-26T10:00:00Z","data":{"environment_id":42,"name":"gpu-lab"}}`,
		"6a7e8feb-b491-4cf7-a9f1-bf3703467718": `{"type":"training.failed","timestamp":"2026-01-26T10:00:00Z","data":{"tenant_id":"demo","job_id":9,"reason":"out of memory"}}`,
	}
	got := make(map[string]string)
	deliveries := b.bodies(t, b.deliveries)
	for _, body := range deliveries {
		m, err := delivery.Decode([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		d, err := m.Only()
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		got[d.Event.ID] = string(d.Body)
		if d.Webhook != w.Key() || !d.Due.Equal(time.UnixMilli(1769421600007)) {
			t.Errorf("delivery to %v due at %v, want %v and the time of sending", d.Webhook, d.Due, w.Key())
		}
		stored, err := b.events.GetBody(t.Context(), d.Event, d.Hash)
		if err != nil || string(stored) != string(d.Body) {
			t.Errorf("stored body of %s = %q, %v", d.Event.ID, stored, err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(deliveries) != len(want) {
		t.Errorf("%d deliveries (-want +got):\n%s", len(deliveries), diff)
	}
	if letters := b.bodies(t, b.deadLetters); len(letters) > 0 {
		t.Errorf("dead letters = %q", letters)
	}
}

// Invalid messages become dead letters, and so do messages one receive before
// MAX_RECEIVE_COUNT.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	b := setup(t)
	record := func(id, body, receives string) map[string]any {
		return map[string]any{"messageId": id, "body": body, "attributes": map[string]string{"SentTimestamp": "1769421600007", "ApproximateReceiveCount": receives}}
	}
	exhausted := `{"type":"alert.resolved","tenant_id":"demo","data":1}`
	payload, err := json.Marshal(map[string]any{"Records": []any{record("m1", "invalid", "1"), record("m2", exhausted, "49"), record("m3", exhausted, "48")}})
	if err != nil {
		t.Fatal(err)
	}
	if got := b.invoke(t, payload); got != `{"batchItemFailures":[]}` {
		t.Errorf("response = %s", got)
	}
	if diff := cmp.Diff([]string{"invalid", exhausted}, b.bodies(t, b.deadLetters)); diff != "" {
		t.Errorf("dead letters (-want +got):\n%s", diff)
	}
}

// More people may read logs than events, so logs hold only ids and reasons.
func TestLogHoldsNoData(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.invoke(t, cloudtest.Event(t, "fanout.json"))
	line := strings.TrimSpace(b.log.String())
	if strings.Contains(line, "\n") {
		t.Fatalf("the log has more than one line for the batch:\n%s", b.log)
	}
	for _, id := range []string{`"tenant_id":"demo"`, `"event_id":"env-42-created"`, `"event_id":"6a7e8feb-b491-4cf7-a9f1-bf3703467718"`} {
		if !strings.Contains(line, id) {
			t.Errorf("the line has no %s: %s", id, line)
		}
	}
	if strings.Contains(line, "gpu-lab") || strings.Contains(line, "out of memory") {
		t.Errorf("the line contains event data: %s", line)
	}
}
