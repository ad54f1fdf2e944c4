// Function resend-log serves POST
// /api/v1/webhooks/{webhook_id}/logs/{log_id}/resend: it queues another attempt to
// deliver the event of a log.
package main

import (
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"webhooks/shared/attemptlog/attemptlogdb"
	"webhooks/shared/aws/boot"
	"webhooks/shared/aws/queue"
	"webhooks/shared/event/eventdb"
	"webhooks/shared/httpapi"
	"webhooks/shared/webhook/webhookdb"
)

func main() { boot.Main(build) }

// build wires the function.
func build(log *slog.Logger, getenv func(string) string) (httpapi.Function, error) {
	settings := boot.NewSettings(getenv)
	webhooks, events := settings.Required("WEBHOOKS_TABLE"), settings.Required("EVENTS_TABLE")
	logs, retention := settings.Required("LOGS_TABLE"), settings.Days("LOG_RETENTION_DAYS")
	url := settings.Required("DELIVERIES_QUEUE_URL")
	cfg := settings.AWS()
	if err := settings.Err(); err != nil {
		return nil, err
	}
	db := dynamodb.NewFromConfig(cfg)
	h := handler{
		webhooks: webhookdb.New(db, webhooks),
		logs:     attemptlogdb.New(db, logs, retention),
		events:   eventdb.New(db, events, 0), // it only reads
		queue:    queue.New(sqs.NewFromConfig(cfg), url),
		now:      time.Now,
	}
	return httpapi.New(log, h.route()), nil
}
