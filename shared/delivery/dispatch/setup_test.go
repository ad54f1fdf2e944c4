package dispatch_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"webhooks/shared/attemptlog"
	"webhooks/shared/attemptlog/attemptlogdb"
	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/delivery/dispatch"
	"webhooks/shared/delivery/inbound"
	"webhooks/shared/delivery/retrydb"
	"webhooks/shared/event"
	"webhooks/shared/event/eventdb"
	"webhooks/shared/guard"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/faulttest"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/webhookdb"
)

const (
	tenant          = "acme"
	retention       = 30 * 24 * time.Hour
	maxReceiveCount = 50
)

var start = time.Date(2026, 1, 26, 10, 0, 0, 123_000_000, time.UTC)

// bundle is a dispatcher on tables and queues of its own.
type bundle struct {
	dispatcher  *dispatch.Dispatcher
	webhooks    *webhookdb.Store
	table       string // of the webhooks
	events      *eventdb.Store
	logs        *attemptlogdb.Store
	retries     *retrydb.Store
	queue       *tap
	deadLetters string // the URL
	faults      *faulttest.Faults
	log         *lines
	now         time.Time
}

func setup(t *testing.T) *bundle {
	t.Helper()
	cfg, faults := cloudtest.Config(t), new(faulttest.Faults)
	db, queues := dynamodb.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
	// The faults apply only to the logs table.
	breakable := dynamodb.NewFromConfig(faults.Config(cfg))
	g, err := guard.New(guard.Config{AllowLocal: true, OwnEndpoints: []string{cloudtest.Stack(t).EndpointURL}})
	if err != nil {
		t.Fatal(err)
	}
	webhooks := cloudtest.Table(t, "WebhooksTable")
	b := &bundle{
		webhooks: webhookdb.New(db, webhooks), table: webhooks,
		events:      eventdb.New(db, cloudtest.Table(t, "EventsTable"), retention),
		retries:     retrydb.New(db, cloudtest.Table(t, "RetriesTable")),
		queue:       &tap{next: queue.New(queues, cloudtest.Queue(t)), sent: make(chan queue.Message, 100)},
		deadLetters: cloudtest.Queue(t), faults: faults, log: new(lines), now: start,
	}
	b.logs = attemptlogdb.New(breakable, cloudtest.Table(t, "LogsTable"), retention)
	b.dispatcher = dispatch.New(dispatch.Config{
		Consumer: inbound.Consumer{
			Log: slog.New(slog.NewJSONHandler(b.log, nil)), DeadLetters: queue.New(queues, b.deadLetters), MaxReceiveCount: maxReceiveCount,
		},
		Webhooks: b.webhooks, Events: b.events, Logs: b.logs, Retries: b.retries,
		Sender:    attempt.New(g, attempt.Config{UserAgent: dispatch.UserAgent}),
		Queue:     b.queue,
		SlowQueue: counting(new(int)), SlowQueueARN: slowARN, Health: new(healthStub), Slots: noSlots{},
		Source: new(sourceStub), SlowSource: new(sourceStub), Visibility: visibility, Sleep: dispatch.Sleep, Random: func() float64 { return 0.5 },
		Schedule: schedule(t), Kept: retention,
		Now: func() time.Time { return b.now },
	})
	return b
}

// tester returns the tester with the parts of the dispatcher.
func (b *bundle) tester() *dispatch.Tester {
	d := b.dispatcher
	return dispatch.NewTester(dispatch.TesterConfig{Consumer: d.Consumer, Health: d.Health, Logs: d.Logs, Sender: d.Sender, Now: d.Now})
}

func schedule(t testing.TB) delivery.Schedule {
	t.Helper()
	s, err := delivery.ParseSchedule("5,300,1800,7200,18000,36000,50400,72000,86400")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// tap is a queue that shows the messages sent.
type tap struct {
	next inbound.Queue
	sent chan queue.Message
}

func (q *tap) Send(ctx context.Context, messages []queue.Message) []error {
	failures := q.next.Send(ctx, messages)
	for i, m := range messages {
		if failures[i] == nil {
			q.sent <- m
		}
	}
	return failures
}

// take returns the messages sent since the last take, and their contents.
func (q *tap) take(t *testing.T) (messages []queue.Message, decoded []delivery.Message) {
	t.Helper()
	for len(q.sent) > 0 {
		m := <-q.sent
		content, err := delivery.Decode([]byte(m.Body))
		if err != nil {
			t.Fatal(err)
		}
		messages, decoded = append(messages, m), append(decoded, content)
	}
	return messages, decoded
}

// lines is the function's log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) contains(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), text)
}

func (b *bundle) create(t *testing.T, url string, changes ...func(*webhook.Webhook)) webhook.Webhook {
	t.Helper()
	w, err := b.webhooks.Create(t.Context(), webhooktest.Webhook(tenant, append(changes, func(w *webhook.Webhook) { w.URL = url })...), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// body is the body of every delivery. A JSON encoder would change its bytes.
var body = []byte(`{"type":"environment.created","timestamp":"2026-01-26T10:00:00Z","data":{ "z":1.000000000000000000001,"a":"\u00e9\/" }}`)

// to returns the first attempt of event n to w, due now.
func (b *bundle) to(w webhook.Webhook, n int) delivery.Delivery {
	return delivery.Delivery{
		Webhook: w.Key(), Event: event.Key{TenantID: tenant, ID: fmt.Sprintf("evt_%d", n)},
		Type: event.EnvironmentCreated, Attempt: 1, Due: b.now, Hash: event.Hash{byte(n)}, Body: body,
	}
}

// message returns an SQS message on its first receive.
func message(body string) events.SQSMessage {
	return events.SQSMessage{MessageId: "m-0", Body: body, Attributes: map[string]string{"ApproximateReceiveCount": "1"}}
}

// inSlowLane returns m as it is received in the slow lane.
func inSlowLane(m events.SQSMessage) events.SQSMessage {
	m.EventSourceARN = slowARN
	return m
}

// batch returns a batch of messages with the ids m-0, m-1, …
func batch(messages ...events.SQSMessage) events.SQSEvent {
	var e events.SQSEvent
	for i, m := range messages {
		m.MessageId = fmt.Sprintf("m-%d", i)
		e.Records = append(e.Records, m)
	}
	return e
}

// handle handles one batch and returns the ids of the messages that failed.
func (b *bundle) handle(t *testing.T, ctx context.Context, messages ...events.SQSMessage) []string {
	t.Helper()
	response, err := b.dispatcher.Handle(ctx, batch(messages...))
	if err != nil || response.BatchItemFailures == nil {
		t.Fatalf("Handle = %v (nil: %t), %v", response, response.BatchItemFailures == nil, err)
	}
	var failed []string
	for _, failure := range response.BatchItemFailures {
		failed = append(failed, failure.ItemIdentifier)
	}
	return failed
}

// settle handles deliveries as one batch. None may fail.
func (b *bundle) settle(t *testing.T, deliveries ...delivery.Delivery) {
	t.Helper()
	messages := make([]events.SQSMessage, 0, len(deliveries))
	for _, d := range deliveries {
		messages = append(messages, message(d.Encode()))
	}
	if failed := b.handle(t, t.Context(), messages...); len(failed) > 0 {
		t.Fatalf("received again: %v", failed)
	}
}

// written returns the logs of w, newest first.
func (b *bundle) written(t *testing.T, w webhook.Webhook) []attemptlog.Log {
	t.Helper()
	page, err := b.logs.List(t.Context(), w.Key(), math.MaxInt64, 1, 100, b.now)
	if err != nil {
		t.Fatal(err)
	}
	return page.Logs
}

// answer returns a receiver that answers status and counts its requests.
func answer(status int, requests *atomicCount) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		requests.add()
		w.WriteHeader(status)
	}
}

// reading returns a receiver that keeps the request body.
func reading(got *[]byte) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) { *got, _ = io.ReadAll(r.Body) }
}
