// Function list-webhooks serves GET /api/v1/webhooks: it lists the webhooks of a tenant.
package main

import (
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"webhooks/shared/aws/boot"
	"webhooks/shared/httpapi"
	"webhooks/shared/webhook/webhookdb"
)

func main() { boot.Main(build) }

// build wires the function.
func build(log *slog.Logger, getenv func(string) string) (httpapi.Function, error) {
	settings := boot.NewSettings(getenv)
	table := settings.Required("WEBHOOKS_TABLE")
	cfg := settings.AWS()
	if err := settings.Err(); err != nil {
		return nil, err
	}
	h := handler{webhooks: webhookdb.New(dynamodb.NewFromConfig(cfg), table)}
	return httpapi.New(log, h.route()), nil
}
