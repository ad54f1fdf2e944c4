package main

import (
	"testing"

	"webhooks/shared/testkit/starttest"
)

func TestStartNeedsEverySetting(t *testing.T) {
	t.Parallel()
	starttest.Check(t, build, "CreateWebhookFunction", "LOCAL_RECEIVERS=yes", "RECEIVER_PORTS=0", "WEBHOOKS_PER_HOST=0", "WEBHOOKS_PER_HOST=many")
}
