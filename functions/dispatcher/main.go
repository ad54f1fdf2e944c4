// Function dispatcher consumes the deliveries queue and the slow queue: it makes the
// attempts of deliveries and records their results.
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
	"webhooks/shared/delivery/dispatch"
	"webhooks/shared/delivery/retrydb"
	"webhooks/shared/event/eventdb"
	"webhooks/shared/webhook/vault"
)

func main() { boot.Main(build) }

// build wires the function.
func build(log *slog.Logger, getenv func(string) string) (boot.SQSFunction, error) {
	settings := boot.NewSettings(getenv)
	events, retries := settings.Required("EVENTS_TABLE"), settings.Required("RETRIES_TABLE")
	deliveries, deadLetters := settings.Required("DELIVERIES_QUEUE_URL"), settings.Required("DEAD_LETTERS_QUEUE_URL")
	slow, slowARN := settings.Required("SLOW_QUEUE_URL"), settings.Required("SLOW_QUEUE_ARN")
	maxReceiveCount := settings.Int("MAX_RECEIVE_COUNT", 2, 1000)
	schedule, kept := settings.Required("RETRY_SCHEDULE"), settings.Days("EVENT_RETENTION_DAYS")
	cfg := settings.AWS()
	db, queues := dynamodb.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
	secrets := vault.FromConfig(cfg, vault.DecryptOnly)
	d, err := dispatch.New(log, db, secrets, settings, getenv)
	if err != nil {
		return nil, err
	}
	// New comes first: its error names every missing variable.
	if err := d.SetSchedule(schedule, kept); err != nil {
		return nil, err
	}
	d.Events = eventdb.New(db, events, 0) // it only reads
	d.Retries = retrydb.New(db, retries)
	d.Queue = queue.New(queues, deliveries)
	d.SlowQueue, d.SlowQueueARN = queue.New(queues, slow), slowARN
	d.DeadLetters = queue.New(queues, deadLetters)
	d.MaxReceiveCount = maxReceiveCount
	d.Metrics = metric.New(os.Stdout, getenv("METRICS_NAMESPACE"), time.Now)
	return d.Handle, nil
}
