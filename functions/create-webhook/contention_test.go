package main

import (
	"bytes"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"

	"webhooks/shared/apperr"
	"webhooks/shared/testkit/cloudtest"
)

// TestATenantsOwnContentionIsNoFailureOfTheService: the writes of one tenant wait for
// each other. A tenant that sends too many at once is told when to try again, and
// rings no alarm.
func TestATenantsOwnContentionIsNoFailureOfTheService(t *testing.T) {
	t.Parallel()
	const creates = 200
	var log bytes.Buffer // the handler's lock orders the lines
	function, err := build(slog.New(slog.NewJSONHandler(&log, nil)), cloudtest.Getenv(t, map[string]string{
		"WEBHOOKS_TABLE": cloudtest.Table(t, "WebhooksTable"), "SECRETS_KEY_ARN": cloudtest.Key(t), "WEBHOOKS_PER_HOST": "1000",
	}))
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	statuses := make(chan int, creates)
	for range creates {
		group.Go(func() {
			response := cloudtest.Invoke(t, function, cloudtest.Request(t, "create-webhook.json"))
			if wait, err := strconv.Atoi(response.Headers["Retry-After"]); response.Status == 409 && (err != nil || wait < 1 || response.Envelope(t).Code != int(apperr.ChangedMeanwhile)) {
				t.Errorf("response = %d %s, Retry-After %q", response.Status, response.Body, response.Headers["Retry-After"])
			}
			statuses <- response.Status
		})
	}
	group.Wait()
	close(statuses)
	count := map[int]int{}
	for status := range statuses {
		count[status]++
	}
	if count[201] == 0 || count[201]+count[409] != creates {
		t.Errorf("statuses %v, want 201 and 409 only", count)
	}
	if warnings := strings.Count(log.String(), `"level":"WARN"`); warnings != count[409] {
		t.Errorf("%d lines at WARN for %d refused creations", warnings, count[409])
	}
	if strings.Contains(log.String(), `"level":"ERROR"`) {
		t.Errorf("the log has errors: %.1000s", log.String())
	}
}
