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
	"webhooks/shared/event/eventdb"
	"webhooks/shared/httpapi"
)

func main() { boot.Main(build) }

// build wires the function.
func build(log *slog.Logger, getenv func(string) string) (httpapi.Function, error) {
	settings := boot.NewSettings(getenv)
	table, url := settings.Required("EVENTS_TABLE"), settings.Required("EVENTS_QUEUE_URL")
	cfg := settings.AWS()
	if err := settings.Err(); err != nil {
		return nil, err
	}
	h := handler{
		events: eventdb.New(dynamodb.NewFromConfig(cfg), table, 0), // it only reads
		queue:  queue.New(sqs.NewFromConfig(cfg), url),
		now:    time.Now,
	}
	return httpapi.New(log, h.route()), nil
}
