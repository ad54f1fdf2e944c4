package main

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"webhooks/shared/attemptlog"
	"webhooks/shared/attemptlog/attemptlogdb"
	"webhooks/shared/delivery"
	"webhooks/shared/event"
	"webhooks/shared/event/eventdb"
	"webhooks/shared/httpapi"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/webhookdb"
)

// bundle is a tenant with one webhook, one stored event and its log.
type bundle struct {
	function httpapi.Function
	request  events.APIGatewayV2HTTPRequest
	queue    *sqs.Client
	url      string
	webhooks *webhookdb.Store
	logs     *attemptlogdb.Store
	event    event.Event
}

func setup(t *testing.T) bundle {
	t.Helper()
	cfg := cloudtest.Config(t)
	db := dynamodb.NewFromConfig(cfg)
	environment := map[string]string{
		"WEBHOOKS_TABLE": cloudtest.Table(t, "WebhooksTable"), "EVENTS_TABLE": cloudtest.Table(t, "EventsTable"),
		"LOGS_TABLE": cloudtest.Table(t, "LogsTable"), "LOG_RETENTION_DAYS": "30", "DELIVERIES_QUEUE_URL": cloudtest.Queue(t),
	}
	function, err := build(slog.New(slog.DiscardHandler), cloudtest.Getenv(t, environment))
	if err != nil {
		t.Fatal(err)
	}
	b := bundle{
		function: function, request: cloudtest.Request(t, "resend-log.json"), queue: sqs.NewFromConfig(cfg),
		url: environment["DELIVERIES_QUEUE_URL"], webhooks: webhookdb.New(db, environment["WEBHOOKS_TABLE"]),
		logs: attemptlogdb.New(db, environment["LOGS_TABLE"], 30*24*time.Hour),
	}
	if _, err := b.webhooks.Create(t.Context(), webhooktest.Webhook("demo"), time.Now()); err != nil {
		t.Fatal(err)
	}
	b.event, err = event.Decode(event.Message{Body: []byte(`{"id":"e1","type":"alert.resolved","tenant_id":"demo","data":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	if err := eventdb.New(db, environment["EVENTS_TABLE"], time.Hour).Create(t.Context(), b.event, []int64{1}, time.Now()); err != nil {
		t.Fatal(err)
	}
	b.log(t, "e1")
	return b
}

func (b bundle) log(t *testing.T, eventID string) {
	t.Helper()
	l := attemptlog.Log{
		TenantID: "demo", WebhookID: 1, EventID: eventID, EventType: event.AlertResolved, Trigger: attemptlog.Retry, Attempt: 10,
		Outcome: attemptlog.Failed, StatusCode: 500, CreatedAt: time.Now().UTC().Truncate(time.Millisecond),
	}
	if _, err := b.logs.Append(t.Context(), attemptlog.Chunks([]attemptlog.Log{l})); err != nil {
		t.Fatal(err)
	}
}

func (b bundle) queued(t *testing.T) []delivery.Delivery {
	t.Helper()
	output, err := b.queue.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &b.url, MaxNumberOfMessages: 10})
	if err != nil {
		t.Fatal(err)
	}
	var list []delivery.Delivery
	for _, m := range output.Messages {
		message, err := delivery.Decode([]byte(*m.Body))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, message.Deliveries...)
	}
	return list
}

func TestResend(t *testing.T) {
	t.Parallel()
	b := setup(t)
	response := cloudtest.Invoke(t, b.function, b.request)
	if want := `{"code":0,"message":"已重新投递","data":{"event_id":"e1","attempt":11}}`; response.Status != 202 || response.Body != want {
		t.Errorf("response = %d %s, want 202 %s", response.Status, response.Body, want)
	}
	want := []delivery.Delivery{{
		Webhook: webhook.Key{TenantID: "demo", ID: 1}, Event: b.event.Key(), Type: event.AlertResolved,
		Attempt: 11, Single: true, Hash: b.event.Hash(),
	}}
	if diff := cmp.Diff(want, b.queued(t), cmpopts.IgnoreFields(delivery.Delivery{}, "Due")); diff != "" {
		t.Errorf("queued (-want +got):\n%s", diff)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.log(t, "expired")
	tests := []struct {
		name, path string
		want       int
	}{
		{name: "no such log", path: "/api/v1/webhooks/1/logs/99/resend", want: 40403},
		{name: "log 0", path: "/api/v1/webhooks/1/logs/0/resend", want: 40006},
		{name: "no such webhook", path: "/api/v1/webhooks/2/logs/1/resend", want: 40401},
		{name: "an event that is no longer stored", path: "/api/v1/webhooks/1/logs/2/resend", want: 40905},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			request := b.request
			request.RawPath, request.PathParameters = tt.path, nil
			if response := cloudtest.Invoke(t, b.function, request); response.Envelope(t).Code != tt.want {
				t.Errorf("response = %d %s, want %d", response.Status, response.Body, tt.want)
			}
		})
	}
	if n := len(b.queued(t)); n != 0 {
		t.Errorf("%d deliveries queued, want none", n)
	}
}

func TestDisabled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	off := func(w webhook.Webhook) (webhook.Webhook, error) { w.Enabled = false; return w, nil }
	if _, err := b.webhooks.Update(t.Context(), webhook.Key{TenantID: "demo", ID: 1}, time.Now(), off); err != nil {
		t.Fatal(err)
	}
	if response := cloudtest.Invoke(t, b.function, b.request); response.Status != 409 || !strings.Contains(response.Body, "40904") {
		t.Errorf("response = %d %s", response.Status, response.Body)
	}
}
