// Function fanout consumes the events queue and queues one delivery for each
// webhook that an event matches, up to ten in a message.
package main

import (
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"webhooks/shared/aws/boot"
	"webhooks/shared/aws/metric"
	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery/fanout"
	"webhooks/shared/delivery/inbound"
	"webhooks/shared/event/eventdb"
	"webhooks/shared/webhook/webhookdb"
)

func main() { boot.Main(build) }

// build wires the function.
func build(log *slog.Logger, getenv func(string) string) (boot.SQSFunction, error) {
	settings := boot.NewSettings(getenv)
	webhooks, table := settings.Required("WEBHOOKS_TABLE"), settings.Required("EVENTS_TABLE")
	deliveries, deadLetters := settings.Required("DELIVERIES_QUEUE_URL"), settings.Required("DEAD_LETTERS_QUEUE_URL")
	retention := settings.Days("EVENT_RETENTION_DAYS")
	maxReceiveCount := settings.Int("MAX_RECEIVE_COUNT", 2, 1000)
	cfg := settings.AWS()
	if err := settings.Err(); err != nil {
		return nil, err
	}
	db, queues := dynamodb.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
	stored := eventdb.New(db, table, retention)
	f := &fanout.Fanout{
		Consumer: inbound.Consumer{
			Log: log, DeadLetters: queue.New(queues, deadLetters), MaxReceiveCount: maxReceiveCount,
		},
		Tables:     fanout.Tables{DynamoDB: db, Webhooks: webhookdb.New(db, webhooks), Events: stored},
		Events:     stored,
		Deliveries: queue.New(queues, deliveries),
		Now:        time.Now,
		Metrics:    metric.New(os.Stdout, getenv("METRICS_NAMESPACE"), time.Now),
	}
	return f.Handle, nil
}
