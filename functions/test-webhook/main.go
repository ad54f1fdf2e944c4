// Function test-webhook serves POST /api/v1/webhooks/{webhook_id}/test: it sends a
// test event at once and returns the receiver's status.
package main

import (
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"webhooks/shared/aws/boot"
	"webhooks/shared/delivery/dispatch"
	"webhooks/shared/httpapi"
	"webhooks/shared/webhook/vault"
	"webhooks/shared/webhook/webhookdb"
)

func main() { boot.Main(build) }

// build wires the function.
func build(log *slog.Logger, getenv func(string) string) (httpapi.Function, error) {
	settings := boot.NewSettings(getenv)
	cfg := settings.AWS()
	db := dynamodb.NewFromConfig(cfg)
	store := webhookdb.New(db, settings.Required("WEBHOOKS_TABLE"), webhookdb.WithVault(vault.FromConfig(cfg, vault.DecryptOnly)))
	parts, err := dispatch.LoadTester(log, db, store, settings, getenv)
	if err != nil {
		return nil, err
	}
	h := handler{log: log, webhooks: store, sender: dispatch.NewTester(parts), now: parts.Now}
	return httpapi.New(log, h.route()), nil
}
