package main

import (
	"testing"

	"webhooks/shared/testkit/starttest"
)

func TestStartNeedsEverySetting(t *testing.T) {
	t.Parallel()
	starttest.Check(t, build, "DispatcherFunction",
		"RETRY_SCHEDULE=0", "EVENT_RETENTION_DAYS=0", "MAX_RECEIVE_COUNT=1", "VISIBILITY_SECONDS=0",
		"ATTEMPT_TIMEOUT_SECONDS=16", "RESPONSE_BODY_BYTES=4097", "LOCAL_RECEIVERS=yes")
}
