package fanout_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"pgregory.net/rapid"

	"webhooks/shared/aws/queue"
	"webhooks/shared/deadletter"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/fanout"
	"webhooks/shared/delivery/inbound"
	"webhooks/shared/event"
	"webhooks/shared/event/eventdb"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/webhookdb"
)

const (
	tenant          = "acme"
	maxReceiveCount = 50
	retention       = 30 * 24 * time.Hour
)

// Every message of these tests was sent at sentAt and is handled at now.
var (
	sentAt = time.Date(2026, 1, 26, 10, 0, 0, 7_000_000, time.UTC)
	now    = sentAt.Add(time.Minute)
)

// bundle is a Fanout on tables and queues of its own, built like the function.
type bundle struct {
	*fanout.Fanout
	faults                  *faults
	direct                  *dynamodb.Client // without the faults
	webhooks                *webhookdb.Store
	webhooksTable           string
	events                  *eventdb.Store
	queues                  *sqs.Client
	deliveries, deadLetters string // URLs
}

func setup(t *testing.T) bundle {
	t.Helper()
	cfg := cloudtest.Config(t)
	b := bundle{
		// The test's own reads and writes do not pass the faults.
		faults: &faults{}, queues: sqs.NewFromConfig(cfg),
		deliveries: cloudtest.Queue(t), deadLetters: cloudtest.Queue(t),
	}
	webhooks, table := cloudtest.Table(t, "WebhooksTable"), cloudtest.Table(t, "EventsTable")
	b.direct, b.webhooksTable = dynamodb.NewFromConfig(cfg), webhooks
	b.webhooks, b.events = webhookdb.New(b.direct, webhooks), eventdb.New(b.direct, table, retention)
	b.faults.purposes = map[string]string{b.deliveries: send, b.deadLetters: letter}
	cfg = b.faults.Config(cfg)
	db, queues := dynamodb.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
	stored := eventdb.New(db, table, retention)
	b.Fanout = &fanout.Fanout{
		Consumer: inbound.Consumer{
			Log: slog.New(slog.DiscardHandler), DeadLetters: queue.New(queues, b.deadLetters), MaxReceiveCount: maxReceiveCount,
		},
		Tables:     fanout.Tables{DynamoDB: db, Webhooks: webhookdb.New(db, webhooks), Events: stored},
		Events:     stored,
		Deliveries: queue.New(queues, b.deliveries),
		Now:        func() time.Time { return now },
	}
	return b
}

// subscribe creates a webhook and returns its id.
func (b bundle) subscribe(t rapid.TB, tenantID string, changes ...func(*webhook.Webhook)) int64 {
	t.Helper()
	w, err := b.webhooks.Create(context.Background(), webhooktest.Webhook(tenantID, changes...), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return w.ID
}

// handle handles messages as one batch and returns the ids of those that failed.
func (b bundle) handle(t rapid.TB, messages ...events.SQSMessage) []string {
	t.Helper()
	response, err := b.Handle(context.Background(), events.SQSEvent{Records: messages})
	if err != nil {
		t.Fatal(err)
	}
	return failed(response)
}

func failed(response events.SQSEventResponse) []string {
	ids := []string{}
	for _, failure := range response.BatchItemFailures {
		ids = append(ids, failure.ItemIdentifier)
	}
	return ids
}

// message returns a message with body on its first receive.
func message(id, body string) events.SQSMessage {
	return events.SQSMessage{MessageId: id, Body: body, Attributes: map[string]string{
		"SentTimestamp":           strconv.FormatInt(sentAt.UnixMilli(), 10),
		"ApproximateReceiveCount": "1",
	}}
}

// received returns m on its n-th receive.
func received(m events.SQSMessage, n int) events.SQSMessage {
	again := message(m.MessageId, m.Body)
	again.Attributes["ApproximateReceiveCount"] = strconv.Itoa(n)
	return again
}

// created returns an event of type environment.created.
func created(tenantID, id, data string) string {
	return fmt.Sprintf(`{"id":%q,"type":"environment.created","tenant_id":%q,"timestamp":"2026-01-26T10:00:00+08:00","data":%s}`, id, tenantID, data)
}

// decode decodes the body of a message.
func decode(t rapid.TB, body string) event.Event {
	t.Helper()
	e, err := event.Decode(event.Message{ID: "any", SentAt: sentAt, Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// createdDelivery returns the delivery of the event that [created] returns.
func createdDelivery(t rapid.TB, tenantID, id, data string, webhookID int64) delivery.Delivery {
	t.Helper()
	e := decode(t, created(tenantID, id, data))
	return delivery.Delivery{
		Webhook: webhook.Key{TenantID: tenantID, ID: webhookID}, Event: e.Key(), Type: e.Type,
		Attempt: 1, Due: sentAt, Hash: e.Hash(),
		Body: []byte(`{"type":"environment.created","timestamp":"2026-01-26T10:00:00+08:00","data":` + data + `}`),
	}
}

// queued removes the deliveries from their queue and returns them, sorted by event
// and webhook.
func (b bundle) queued(t rapid.TB) []delivery.Delivery {
	t.Helper()
	var list []delivery.Delivery
	for _, m := range b.drain(t, b.deliveries) {
		decoded, err := delivery.Decode([]byte(*m.Body))
		if err != nil || decoded.Logs != nil {
			t.Fatalf("%s is not a delivery: %v", *m.Body, err)
		}
		if got := m.Attributes["MessageGroupId"]; got != decoded.Subject().TenantID {
			t.Errorf("group = %q, want the tenant %s", got, decoded.Subject().TenantID)
		}
		list = append(list, decoded.Deliveries...)
	}
	slices.SortFunc(list, func(x, y delivery.Delivery) int {
		return cmp.Or(cmp.Compare(x.Event.TenantID, y.Event.TenantID), cmp.Compare(x.Event.ID, y.Event.ID),
			cmp.Compare(x.Webhook.ID, y.Webhook.ID), slices.Compare(x.Hash[:], y.Hash[:]))
	})
	return list
}

// deadLetter is a message of the dead-letter queue.
type deadLetter struct {
	Body    string
	Reason  deadletter.Reason
	Detail  string
	EventID string
}

// letters removes the dead letters from their queue and returns them, sorted by
// body.
func (b bundle) letters(t rapid.TB) []deadLetter {
	t.Helper()
	var list []deadLetter
	for _, m := range b.drain(t, b.deadLetters) {
		value := func(name string) string {
			if v := m.MessageAttributes[name].StringValue; v != nil {
				return *v
			}
			return ""
		}
		list = append(list, deadLetter{Body: *m.Body, Reason: deadletter.Reason(value("reason")), Detail: value("detail"), EventID: value("event_id")})
	}
	slices.SortFunc(list, func(x, y deadLetter) int { return cmp.Compare(x.Body, y.Body) })
	return list
}

// drain removes all messages from a queue. The local cloud delivers a message as
// soon as it is sent.
func (b bundle) drain(t rapid.TB, url string) []types.Message {
	t.Helper()
	var all []types.Message
	for {
		out, err := b.queues.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return all
		}
		var done []types.DeleteMessageBatchRequestEntry
		for i, m := range out.Messages {
			id := strconv.Itoa(i)
			done = append(done, types.DeleteMessageBatchRequestEntry{Id: &id, ReceiptHandle: m.ReceiptHandle})
		}
		if _, err := b.queues.DeleteMessageBatch(context.Background(), &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: done}); err != nil {
			t.Fatal(err)
		}
		all = append(all, out.Messages...)
	}
}
