package jwks

import (
	"context"
	"time"
)

// The waits of an instance for the set that another one fetches. Their sum is longer
// than FetchTimeout, and leaves the authorizer time to answer: API Gateway waits for it
// for 10 s at most.
const (
	firstWait = 100 * time.Millisecond
	waits     = 5 // each is twice as long as the one before: 3.1 s in all
)

// await waits until another instance has stored a set that is younger than RetryAfter
// at now, or until its fetch has failed or must have ended. It waits once for a fetch:
// anyone can forge tokens that wait, and each wait holds an execution. Without a wait, all but one of the tokens
// with an unknown key id that arrive at once would be decided by an old set, and a new
// key would be refused.
func (k *Keys) await(ctx context.Context, now time.Time) error {
	var tried time.Time
	for n := range waits {
		if err := k.pause(ctx, firstWait<<n); err != nil {
			return err
		}
		record, err := k.store.Get(ctx)
		if err != nil {
			return err
		}
		if err := k.replace(record.JWKS, record.FetchedAt); err != nil {
			return err
		}
		if now.Sub(k.fetchedAt) < RetryAfter || record.failed() {
			return nil
		}
		tried = record.TriedAt
	}
	k.awaited = tried
	return nil
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
