package crash_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"webhooks/shared/attemptlog/attemptlogdb"
	"webhooks/shared/aws/boot"
	"webhooks/shared/aws/metric"
	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/delivery/dispatch"
	"webhooks/shared/delivery/fanout"
	"webhooks/shared/delivery/inbound"
	"webhooks/shared/delivery/retrier"
	"webhooks/shared/delivery/retrydb"
	"webhooks/shared/event/eventdb"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/faulttest"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/vault"
	"webhooks/shared/webhook/webhookdb"
)

// schedule has a wait in the queue and one in the retries table, with any jitter.
// The last wait leaves time for deliveries that are held back.
const schedule = "5,1200,3600"

// world is fanout, dispatcher and retrier on tables and queues of their own. Walks
// run in it one after the other.
type world struct {
	functions
	*poller
	now       time.Time
	faults    *faulttest.Faults
	ended     atomic.Bool            // the process of the current invocation has ended
	polled    atomic.Pointer[signal] // the dispatcher takes messages
	cursorLag time.Duration
	batchSize int              // of a batch
	slowly    bool             // a receiver answers so late that the dispatcher takes messages
	staysOpen bool             // the breaker allows no probe, and its receiver fails
	direct    *dynamodb.Client // does not pass through faults
	webhooks  *webhookdb.Store
	logs      *attemptlogdb.Store
	cursor    *retrydb.Store
	retries   string // the table
}

// functions are the functions on the path of an event.
type functions struct {
	fanout     *fanout.Fanout
	dispatcher *dispatch.Dispatcher
	retrier    *retrier.Retrier
}

// names are the tables and queues.
type names struct {
	webhooks, events, logs, retries             string
	deliveries, slow, eventLetters, deadLetters string
	maxReceiveCount                             int
}

// slowARN is the ARN of the slow queue in the records of its messages.
const slowARN = "arn:aws:sqs:us-east-1:000000000000:slow"

// slowFailures is a sender that reports a long response time for a 500, so that
// walks use the slow lane too.
type slowFailures struct{ dispatch.Sender }

func (s slowFailures) Send(ctx context.Context, request attempt.Request) attempt.Result {
	result := s.Sender.Send(ctx, request)
	if result.StatusCode == http.StatusInternalServerError {
		result.ResponseTime = 2 * webhook.SlowAfter
	}
	return result
}

const retention = 30 * 24 * time.Hour

// newWorld returns a world whose queues make a dead letter of a message after
// maxReceiveCount receives, and whose retrier's cursor is cursorLag behind the
// clock.
func newWorld(t *testing.T, maxReceiveCount int, cursorLag time.Duration) *world {
	t.Helper()
	n := names{
		webhooks: cloudtest.Table(t, "WebhooksTable"), events: cloudtest.Table(t, "EventsTable"),
		logs: cloudtest.Table(t, "LogsTable"), retries: cloudtest.Table(t, "RetriesTable"),
		deliveries: cloudtest.Queue(t), slow: cloudtest.Queue(t), eventLetters: cloudtest.Queue(t), deadLetters: cloudtest.Queue(t),
		maxReceiveCount: maxReceiveCount,
	}
	cfg := cloudtest.Config(t)
	direct := dynamodb.NewFromConfig(cfg)
	w := &world{
		poller: &poller{client: sqs.NewFromConfig(cfg), names: n}, now: time.Now().UTC().Truncate(time.Second), batchSize: 10,
		faults: &faulttest.Faults{}, cursorLag: cursorLag, direct: direct,
		webhooks: webhookdb.New(direct, n.webhooks, webhookdb.WithVault(vault.FromConfig(cfg, cloudtest.Key(t)))), logs: attemptlogdb.New(direct, n.logs, retention),
		cursor: retrydb.New(direct, n.retries), retries: n.retries,
	}
	w.functions = wire(t, w.faults.Config(cfg), n, func() time.Time { return w.now })
	return w
}

// wire builds the functions as their build functions do, with another clock.
func wire(t *testing.T, cfg aws.Config, n names, now func() time.Time) functions {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	getenv := cloudtest.Getenv(t, map[string]string{
		"WEBHOOKS_TABLE": n.webhooks, "EVENTS_TABLE": n.events, "LOGS_TABLE": n.logs, "RETRIES_TABLE": n.retries,
		"DELIVERIES_QUEUE_URL": n.deliveries, "SLOW_QUEUE_URL": n.slow, "SLOW_QUEUE_ARN": slowARN,
		"DEAD_LETTERS_QUEUE_URL": n.deadLetters, "MAX_RECEIVE_COUNT": strconv.Itoa(n.maxReceiveCount), "VISIBILITY_SECONDS": "360",
		"EVENT_RETENTION_DAYS": "30", "LOG_RETENTION_DAYS": "30", "RETRY_SCHEDULE": schedule,
		"ATTEMPT_TIMEOUT_SECONDS": "15", "RESPONSE_BODY_BYTES": "512", "LOCAL_RECEIVERS": "true",
	})
	parts, err := dispatch.Load(log, cfg, boot.NewSettings(getenv), getenv)
	if err != nil {
		t.Fatal(err)
	}
	measured := metric.New(io.Discard, "walks", now)
	parts.Sender, parts.Now, parts.Metrics = slowFailures{parts.Sender}, now, measured
	// A message comes up to a second before its slot. The clock of a walk does not go on
	// by itself, so its attempts begin then.
	parts.Sleep = func(context.Context, time.Duration) error { return nil }
	db, deliveries := dynamodb.NewFromConfig(cfg), queue.New(sqs.NewFromConfig(cfg), n.deliveries)
	stored := eventdb.New(db, n.events, retention)
	f := functions{
		dispatcher: dispatch.New(parts),
		fanout: &fanout.Fanout{
			Consumer: inbound.Consumer{
				Log: log, DeadLetters: queue.New(sqs.NewFromConfig(cfg), n.eventLetters), MaxReceiveCount: n.maxReceiveCount,
			},
			Events:     stored,
			Tables:     fanout.Tables{DynamoDB: db, Webhooks: webhookdb.New(db, n.webhooks), Events: stored},
			Deliveries: deliveries, Now: now, Metrics: measured,
		},
		retrier: &retrier.Retrier{Log: log, Retries: retrydb.New(db, n.retries), Queue: deliveries, Now: now, Metrics: measured},
	}
	complete(t, f.fanout)
	complete(t, f.dispatcher)
	complete(t, f.retrier)
	return f
}

// complete fails the test if a field of a function is not set: the walks would
// miss its calls.
func complete(t *testing.T, function any) {
	t.Helper()
	value := reflect.ValueOf(function).Elem()
	for _, field := range reflect.VisibleFields(value.Type()) { // also those of embedded structs
		if field.IsExported() && value.FieldByIndex(field.Index).IsZero() {
			t.Fatalf("%v.%s is not set: wire it here as the function's main.go does", value.Type(), field.Name)
		}
	}
}
