// Function dispatcher consumes the deliveries queue and the slow queue: it makes the
// attempts of deliveries and records their results.
package main

import (
	"log/slog"

	"webhooks/shared/aws/boot"
	"webhooks/shared/delivery/dispatch"
)

func main() { boot.Main(build) }

// build wires the function.
func build(log *slog.Logger, getenv func(string) string) (boot.SQSFunction, error) {
	settings := boot.NewSettings(getenv)
	parts, err := dispatch.Load(log, settings.AWS(), settings, getenv)
	if err != nil {
		return nil, err
	}
	return dispatch.New(parts).Handle, nil
}
