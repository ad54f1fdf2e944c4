package main

import (
	"testing"

	"webhooks/shared/testkit/starttest"
)

func TestStartNeedsEverySetting(t *testing.T) {
	t.Parallel()
	starttest.Check(t, build, "PublishEventsFunction",
		"PUBLISH_RATE=-1", "PUBLISH_RATE=fast", "PUBLISH_BURST=0")
}
