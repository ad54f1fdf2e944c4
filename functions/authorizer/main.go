// Function authorizer checks a caller's API key or JWT for the gateway and
// hands on its tenant and scopes.
package main

import (
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"webhooks/shared/auth/apikeydb"
	"webhooks/shared/aws/boot"
)

func main() { boot.Main(build) }

// build wires the function.
func build(log *slog.Logger, getenv func(string) string) (function, error) {
	settings := boot.NewSettings(getenv)
	table := settings.Required("KEYS_TABLE")
	cfg := settings.AWS()
	if err := settings.Err(); err != nil {
		return nil, err
	}
	db := dynamodb.NewFromConfig(cfg)
	tokens, err := newTokens(log, db, table, getenv)
	if err != nil {
		return nil, err
	}
	h := handler{log: log, keys: apikeydb.New(db, table), tokens: tokens, now: time.Now}
	return h.authorize, nil
}
