// Function delete-webhook serves DELETE /api/v1/webhooks/{webhook_id}: it deletes a webhook.
package main

import (
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"webhooks/shared/attemptlog/attemptlogdb"
	"webhooks/shared/aws/boot"
	"webhooks/shared/httpapi"
	"webhooks/shared/webhook/webhookdb"
)

func main() { boot.Main(build) }

// build wires the function.
func build(log *slog.Logger, getenv func(string) string) (httpapi.Function, error) {
	settings := boot.NewSettings(getenv)
	table, logs, retention := settings.Required("WEBHOOKS_TABLE"), settings.Required("LOGS_TABLE"), settings.Days("LOG_RETENTION_DAYS")
	cfg := settings.AWS()
	if err := settings.Err(); err != nil {
		return nil, err
	}
	client := dynamodb.NewFromConfig(cfg)
	h := handler{webhooks: webhookdb.New(client, table), logs: attemptlogdb.New(client, logs, retention), now: time.Now}
	return httpapi.New(log, h.route()), nil
}
