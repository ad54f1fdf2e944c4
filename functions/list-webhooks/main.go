// Function list-webhooks serves GET /api/v1/webhooks: it lists the webhooks of a tenant.
package main

import (
	"context"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"webhooks/shared/aws/boot"
	"webhooks/shared/aws/cloud"
	"webhooks/shared/httpapi"
	"webhooks/shared/webhook/webhookdb"
)

func main() { boot.Main(build) }

// build wires the function.
func build(ctx context.Context, log *slog.Logger, getenv func(string) string) (httpapi.Function, error) {
	settings := cloud.NewSettings(getenv)
	table := settings.Required("WEBHOOKS_TABLE")
	if err := settings.Err(); err != nil {
		return nil, err
	}
	cfg, err := cloud.Config(getenv)
	if err != nil {
		return nil, err
	}
	h := handler{webhooks: webhookdb.New(dynamodb.NewFromConfig(cfg), table)}
	return httpapi.New(log, h.route()), nil
}
