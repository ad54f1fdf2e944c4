package main

import (
	"testing"

	"webhooks/shared/testkit/starttest"
)

func TestStartNeedsEverySetting(t *testing.T) {
	t.Parallel()
	starttest.Check(t, build, "FanoutFunction", "EVENT_RETENTION_DAYS=0", "MAX_RECEIVE_COUNT=1")
}
