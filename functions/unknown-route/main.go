// Function unknown-route serves the $default route. It answers 404 or 405 in the
// envelope to every request that matches no other route.
package main

import (
	"log/slog"

	"webhooks/shared/aws/boot"
	"webhooks/shared/httpapi"
)

func main() { boot.Main(build) }

// build wires the function.
func build(log *slog.Logger, _ func(string) string) (httpapi.Function, error) {
	return httpapi.New(log, httpapi.Route{Pattern: "/", Handle: newHandler().answer}), nil
}
