// Function publish-events serves POST /api/v1/events: it queues the events of
// a tenant.
package main

import (
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"webhooks/shared/aws/boot"
	"webhooks/shared/aws/queue"
	"webhooks/shared/event"
	"webhooks/shared/event/eventdb"
	"webhooks/shared/event/limitdb"
	"webhooks/shared/httpapi"
)

func main() { boot.Main(build) }

// build wires the function.
func build(log *slog.Logger, getenv func(string) string) (httpapi.Function, error) {
	settings := boot.NewSettings(getenv)
	table, url := settings.Required("EVENTS_TABLE"), settings.Required("EVENTS_QUEUE_URL")
	limit := event.LimitOf(settings.Int)
	cfg := settings.AWS()
	if err := settings.Err(); err != nil {
		return nil, err
	}
	db := dynamodb.NewFromConfig(cfg)
	h := handler{
		events: eventdb.New(db, table, 0), // it only reads
		limit:  limitdb.New(db, table, limit),
		queue:  queue.New(sqs.NewFromConfig(cfg), url),
		now:    time.Now,
	}
	return httpapi.New(log, h.route()), nil
}
