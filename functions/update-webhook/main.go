// Function update-webhook serves PUT /api/v1/webhooks/{webhook_id}: it updates a webhook.
package main

import (
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"webhooks/shared/aws/boot"
	"webhooks/shared/guard"
	"webhooks/shared/httpapi"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/vault"
	"webhooks/shared/webhook/webhookdb"
)

func main() { boot.Main(build) }

// build wires the function.
func build(log *slog.Logger, getenv func(string) string) (httpapi.Function, error) {
	settings := boot.NewSettings(getenv)
	table, key := settings.Required("WEBHOOKS_TABLE"), settings.Required("SECRETS_KEY_ARN")
	perHost := settings.Int("WEBHOOKS_PER_HOST", 1, webhook.MaxPerTenant)
	cfg := settings.AWS()
	if err := settings.Err(); err != nil {
		return nil, err
	}
	urls, err := guard.FromEnv(getenv)
	if err != nil {
		return nil, err
	}
	secrets := webhookdb.WithVault(vault.FromConfig(cfg, key))
	h := handler{webhooks: webhookdb.New(dynamodb.NewFromConfig(cfg), table, secrets, webhookdb.WithHostLimit(perHost)), urls: urls, now: time.Now}
	return httpapi.New(log, h.route()), nil
}
