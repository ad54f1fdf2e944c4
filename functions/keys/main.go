// Function keys issues, lists, expires and revokes API keys. It has no route. A
// principal that may invoke it (lambda:InvokeFunction) can issue a key for any tenant.
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
	h := handler{log: log, keys: apikeydb.New(dynamodb.NewFromConfig(cfg), table), now: time.Now}
	return h.handle, nil
}
