// Function authorizer is API Gateway's Lambda authorizer. It checks the API key or
// the JWT of a request and passes the caller's tenant and scopes to the route's
// function.
//
// API Gateway answers 401 to a request without an Authorization header and does not
// call this function. API Gateway answers 403 if this function denies the request,
// and 500 if it fails.
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
	jwts, err := newVerifier(log, db, table, getenv)
	if err != nil {
		return nil, err
	}
	h := handler{log: log, keys: apikeydb.New(db, table), jwts: jwts, from: newOrigin(getenv("ORIGIN_SECRET")), now: time.Now}
	return h.authorize, nil
}
