package dispatch_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"webhooks/shared/attemptlog"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/webhook"
)

// A webhook is disabled after the log that says why, and no other log waits for that.
func TestAFlushDoesNotWaitUntilAWebhookIsDisabled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const disabling = 4 * time.Second
		d, begun := stubbed(t, attempt.Result{}), time.Now()
		// The first request is answered 410 at once, and the other one accepted a second later.
		var requests atomicCount
		d.Sender = senderFunc(func(context.Context, attempt.Request) attempt.Result {
			if requests.n.Add(1) == 1 {
				return attempt.Result{StatusCode: 410}
			}
			time.Sleep(time.Second)
			return attempt.Result{StatusCode: 200}
		})
		var mu sync.Mutex
		written := make(map[int]time.Duration) // by status
		d.Logs = logsFunc(func(_ context.Context, logs []attemptlog.Log) ([]attemptlog.Log, error) {
			mu.Lock()
			defer mu.Unlock()
			for _, l := range logs {
				written[l.StatusCode] = time.Since(begun)
			}
			return nil, nil
		})
		var disabled time.Duration
		d.Webhooks.(*webhooksStub).disable = func(webhook.Key, int64) (bool, error) {
			mu.Lock()
			_, logged := written[410]
			mu.Unlock()
			if !logged {
				t.Error("the webhook is disabled before its log is written")
			}
			time.Sleep(disabling) // on the clock of the bubble
			disabled = time.Since(begun)
			return true, nil
		}
		if _, err := d.Handle(t.Context(), batch(ten()[:2]...)); err != nil {
			t.Fatal(err)
		}
		if written[200] != time.Second || disabled < disabling {
			t.Errorf("the other log is written after %v and the webhook disabled after %v, want a second and an end that waits", written[200], disabled)
		}
	})
}
