package main

import (
	"strings"
	"testing"

	"webhooks/shared/attemptlog"
	"webhooks/shared/delivery/attempt"
)

// TestTheLargestPageFitsIntoAnAnswer: a receiver may answer with any bytes, and some
// take seven times their size in the answer. cloudtest fails the test for an answer
// that Lambda would not send.
func TestTheLargestPageFitsIntoAnAnswer(t *testing.T) {
	t.Parallel()
	const longest = 4096 // the largest ResponseBodyBytes
	for name, text := range map[string]string{
		"control characters": "\x01", "quotation marks": `"`, "backslashes": `\`, "line separators": "\u2028", "angle brackets": "<", "replaced bytes": "\ufffd",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.append(t, "demo", maxSize, func(l *attemptlog.Log) {
				l.ResponseBody, l.Failure = strings.Repeat(text, longest/len(text)), string(attempt.FailureTimeout)
			})
			response := b.ask(t, "page_size=100")
			if items := strings.Count(response.Body, `"log_id":`); response.Status != 200 || items != maxSize {
				t.Errorf("response %d with %d logs, want %d", response.Status, items, maxSize)
			}
			t.Logf("%d bytes", len(response.Body))
		})
	}
}
