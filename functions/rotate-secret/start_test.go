package main

import (
	"testing"

	"webhooks/shared/testkit/starttest"
)

func TestStartNeedsEverySetting(t *testing.T) {
	t.Parallel()
	starttest.Check(t, build, "RotateSecretFunction")
}
