package cost_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"webhooks/shared/attemptlog"
	"webhooks/shared/attemptlog/attemptlogdb"
	"webhooks/shared/delivery"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/lambdatest"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/vault"
	"webhooks/shared/webhook/webhookdb"
)

const (
	batchSize = 10      // full batches, as a busy queue has
	eventSize = 1 << 10 // bytes of data
)

// scenario says how events are published and delivered.
type scenario struct {
	name     string
	events   int
	tenants  int // take turns in the events
	webhooks int // of each tenant
	failing  int // first attempts that fail
	bus      bool
	sealed   bool          // secrets are encrypted with a KMS key
	limit    float64       // the rate limit of the webhooks
	waits    time.Duration // slots are reserved for this time, so that deliveries wait once
}

// functionUse is what the invocations of one function used.
type functionUse struct {
	memory      int // MB
	invocations int
	cpu         time.Duration
	logged      int // bytes
	lines       int
}

// result is what a scenario used.
type result struct {
	events     int
	deliveries int
	used       usage
	fanout     functionUse
	dispatcher functionUse
	answer     time.Duration // how long an invocation of the dispatcher waits for receivers
	kept, sent int           // bytes in tables and to receivers
}

// binaries are the paths of the functions' binaries.
type binaries struct{ fanout, dispatcher string }

func build(t *testing.T) binaries {
	t.Helper()
	return binaries{lambdatest.Binary(t, "fanout"), lambdatest.Binary(t, "dispatcher")}
}

// run runs the scenario on the functions.
func (sc scenario) run(t *testing.T, built binaries) result {
	t.Helper()
	stack := lambdatest.NewStack(t, map[string]string{"LocalReceivers": "true"})
	receiver := newReceiver(t, sc.failing, 0)
	sc.register(t, stack, receiver.url)
	m := newMeter(t, stack)
	// The first retry comes after one second instead of five, to save time.
	own := map[string]string{"AWS_ENDPOINT_URL": m.url, "RETRY_SCHEDULE": "1,300"}
	fanout := lambdatest.Start(t, built.fanout, stack.Variables("FanoutFunction", own))
	dispatcher := lambdatest.Start(t, built.dispatcher, stack.Variables("DispatcherFunction", own))

	r := result{events: sc.events, deliveries: sc.events * sc.webhooks, answer: receiverAnswer}
	r.fanout = drive(t, m, fanout, stack, "FanoutFunction", "EventsQueue", sc.messages(m))
	messages := sc.events * ((sc.webhooks + delivery.MaxDeliveries - 1) / delivery.MaxDeliveries)
	deliveries := drain(t, stack.Ref("DeliveriesQueue"), messages)
	sc.fillSlots(t, stack)
	r.dispatcher = drive(t, m, dispatcher, stack, "DispatcherFunction", "DeliveriesQueue", deliveries)
	if again := sc.comeBack(); again > 0 {
		second := drive(t, m, dispatcher, stack, "DispatcherFunction", "DeliveriesQueue", drain(t, stack.Ref("DeliveriesQueue"), again))
		r.dispatcher.add(second)
	}
	r.finish(m, receiver)
	return r
}

// finish adds what the meter and the receiver counted.
func (r *result) finish(m *meter, receiver *receiver) {
	r.used, r.kept, r.sent = m.total(), m.kept, receiver.bytes
	r.used["fanout invocations"], r.used["dispatcher invocations"] = float64(r.fanout.invocations), float64(r.dispatcher.invocations)
	r.used["log lines"] = float64(r.fanout.lines + r.dispatcher.lines)
}

// fillSlots reserves the slots of the first webhook for the time that its deliveries wait.
// This is not counted.
func (sc scenario) fillSlots(t *testing.T, stack *lambdatest.Stack) {
	t.Helper()
	if sc.waits == 0 {
		return
	}
	store := webhookdb.New(dynamodb.NewFromConfig(cloudtest.Config(t)), stack.Ref("WebhooksTable"))
	w, err := store.Get(t.Context(), webhook.Key{TenantID: tenantID(0), ID: 1})
	if err == nil {
		_, err = store.ReserveSlots(t.Context(), w, int(sc.waits.Seconds()*sc.limit), time.Now())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// comeBack returns how many deliveries are received twice.
func (sc scenario) comeBack() int {
	if sc.waits > 0 {
		return sc.events * sc.webhooks
	}
	return sc.failing
}

func (u *functionUse) add(other functionUse) {
	u.invocations += other.invocations
	u.cpu += other.cpu
	u.logged += other.logged
	u.lines += other.lines
}

// register stores the webhooks. Each has a log already, as nearly every webhook has: the
// first one costs a write unit more.
func (sc scenario) register(t *testing.T, stack *lambdatest.Stack, url string) {
	t.Helper()
	cfg, options := cloudtest.Config(t), []webhookdb.Option(nil)
	if sc.sealed {
		options = append(options, webhookdb.WithVault(vault.FromConfig(cfg, cloudtest.Key(t))))
	}
	db := dynamodb.NewFromConfig(cfg)
	store, logs := webhookdb.New(db, stack.Ref("WebhooksTable"), options...), []attemptlog.Log(nil)
	for tenant := range sc.tenants {
		for range sc.webhooks {
			w, err := store.Create(t.Context(), webhooktest.Webhook(tenantID(tenant), func(w *webhook.Webhook) { w.URL, w.RateLimit = url, sc.limit }), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			logs = append(logs, attemptlog.Log{TenantID: w.TenantID, WebhookID: w.ID, EventID: "earlier", Attempt: 1, Outcome: attemptlog.Delivered, CreatedAt: time.Now()})
		}
	}
	if _, err := attemptlogdb.New(db, stack.Ref("LogsTable"), 24*time.Hour).Append(t.Context(), attemptlog.Chunks(logs)); err != nil {
		t.Fatal(err)
	}
}

func tenantID(n int) string { return fmt.Sprintf("tenant-%d", n) }

// messages returns the messages of the events queue and counts the requests that put
// them there: ten events a request by SQS, one by the bus.
func (sc scenario) messages(m *meter) []string {
	var list []string
	for n := range sc.events {
		e := lambdatest.NewEvent(tenantID(n%sc.tenants), n, eventSize)
		body := e.Message()
		if sc.bus {
			body = fmt.Sprintf(`{"version":"0","id":"%08d-b491-4cf7-a9f1-bf3703467718","detail-type":%q,"source":"platform","account":"123456789012","time":"2026-01-26T10:00:00Z","region":"us-east-1","resources":[],"detail":{"tenant_id":%q,"data":%s}}`,
				n, e.Type, e.TenantID, e.Data)
			m.count(busPuts, units(len(body), sqsRequest))
			m.countQueue("EventsQueue", units(len(body), sqsRequest), false)
		}
		list = append(list, body)
	}
	if !sc.bus {
		for batch := range slices.Chunk(list, batchSize) {
			m.countQueue("EventsQueue", units(len(strings.Join(batch, "")), sqsRequest), false)
		}
	}
	return list
}

// drive invokes a function with full batches of messages, as an event source mapping
// does. It counts the mapping's requests for each batch: one ReceiveMessage, billed
// in chunks of 64 KiB, and one DeleteMessageBatch.
func drive(t *testing.T, m *meter, f *lambdatest.Function, stack *lambdatest.Stack, function, queue string, messages []string) functionUse {
	t.Helper()
	use, before := functionUse{memory: stack.Memory(function)}, f.CPU()
	printed := f.Logged()
	for batch := range slices.Chunk(messages, batchSize) {
		answer := f.Invoke(lambdatest.Batch(t, batch))
		if want := `{"batchItemFailures":[]}`; strings.TrimSpace(string(answer)) != want {
			t.Fatalf("%s answered %s, want %s", function, answer, want)
		}
		use.invocations++
		m.countQueue(queue, units(len(strings.Join(batch, "")), sqsRequest)+1, queue == "DeliveriesQueue")
	}
	use.cpu = f.CPU() - before
	log := strings.TrimPrefix(f.Logged(), printed)
	use.logged, use.lines = len(log), strings.Count(log, "\n")
	return use
}

// drain receives n messages from a queue and returns their bodies, sorted by event
// and webhook.
func drain(t *testing.T, url string, n int) []string {
	t.Helper()
	client := sqs.NewFromConfig(cloudtest.Config(t))
	var bodies []string
	for len(bodies) < n {
		out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(url), MaxNumberOfMessages: 10, WaitTimeSeconds: 10})
		if err != nil || len(out.Messages) == 0 {
			t.Fatalf("received %d of %d messages (%v)", len(bodies), n, err)
		}
		for _, message := range out.Messages {
			bodies = append(bodies, *message.Body)
		}
	}
	slices.SortFunc(bodies, func(a, b string) int { return strings.Compare(order(t, a), order(t, b)) })
	return bodies
}

func order(t *testing.T, body string) string {
	t.Helper()
	var d struct {
		EventID    string `json:"event_id"`
		WebhookIDs []int  `json:"webhook_ids"`
	}
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		t.Fatalf("read %.100s: %v", body, err)
	}
	return fmt.Sprintf("%s#%06d", d.EventID, d.WebhookIDs[0])
}
