package boot_test

import (
	"fmt"

	"webhooks/shared/aws/boot"
)

// A function reads all its settings and then checks them once. The error names
// every variable that is missing or malformed.
func ExampleSettings() {
	environment := map[string]string{"WEBHOOKS_TABLE": "webhooks", "LOG_RETENTION_DAYS": "30", "MAX_RECEIVE_COUNT": "many"}
	settings := boot.NewSettings(func(name string) string { return environment[name] })

	fmt.Println(settings.Required("WEBHOOKS_TABLE"), settings.Days("LOG_RETENTION_DAYS"))
	settings.Required("LOGS_TABLE")
	settings.Int("MAX_RECEIVE_COUNT", 2, 1000)
	fmt.Println(settings.Err())
	// Output:
	// webhooks 720h0m0s
	// the environment variable LOGS_TABLE is not set
	// the environment variable MAX_RECEIVE_COUNT must be an integer from 2 to 1000
}
