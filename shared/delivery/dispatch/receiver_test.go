package dispatch_test

import (
	"context"
	"io"
	"testing"
	"time"

	"webhooks/shared/attemptlog"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/testkit/receivertest"
)

// A receiver whose response is malformed is not punished: its status counts, and its
// owner reads what was wrong.
func TestTheStatusOfAMalformedResponseCounts(t *testing.T) {
	t.Parallel()
	const rest = "Transfer-Encoding: gzip, chunked\r\nRetry-After: 600\r\n\r\n0\r\n\r\n"
	tests := []struct {
		name, status string
		outcome      attemptlog.Outcome
		enabled      bool
		wait         time.Duration // at least, until the next attempt
	}{
		{name: "delivered", status: "200 OK", outcome: attemptlog.Delivered, enabled: true},
		{name: "gone", status: "410 Gone", outcome: attemptlog.Failed},
		{name: "unavailable", status: "503 Busy", outcome: attemptlog.Retrying, enabled: true, wait: 10 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			w := b.create(t, receivertest.Raw(t, "HTTP/1.1 "+tt.status+"\r\n"+rest))
			b.settle(t, b.to(w, 1))
			logs := b.written(t, w)
			if len(logs) != 1 || logs[0].Outcome != tt.outcome ||
				logs[0].Failure != string(attempt.FaultTransferEncoding) || logs[0].StatusCode == 0 {
				t.Errorf("logs = %+v, want one that is %s and names the header", logs, tt.outcome)
			}
			if len(logs) == 1 && tt.wait > 0 && logs[0].NextAttemptAt.Before(b.now.Add(tt.wait)) {
				t.Errorf("the next attempt is at %v, want at least %v later", logs[0].NextAttemptAt, tt.wait)
			}
			if now, err := b.webhooks.Get(t.Context(), w.Key()); err != nil || now.Enabled != tt.enabled {
				t.Errorf("the webhook is enabled: %t, %v", now.Enabled, err)
			}
		})
	}
}

// A kept-alive connection may be the reason why an attempt failed. So every attempt but
// the first asks for another one.
func TestARetryAsksForANewConnection(t *testing.T) {
	t.Parallel()
	b := setup(t)
	requests := make(chan attempt.Request, 1)
	b.dispatcher.Sender = senderFunc(func(_ context.Context, r attempt.Request) attempt.Result {
		requests <- r
		return attempt.Result{Failure: attempt.FailureReset, Err: io.EOF}
	})
	w := b.create(t, "https://receiver.example.com/")
	for number := 1; number <= 3; number++ {
		d := b.to(w, number)
		d.Attempt = number
		b.settle(t, d)
		if r := <-requests; r.Fresh != (number > 1) {
			t.Errorf("attempt %d: fresh is %t", number, r.Fresh)
		}
	}
}
