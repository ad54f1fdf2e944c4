package webhookdb

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
)

// maxTries bounds how often a write that met another one is done again, and how
// often DynamoDB is asked for keys that it left out. With [Backoff] they are
// about three seconds.
const maxTries = 12

const (
	firstDelay = 20 * time.Millisecond
	maxDelay   = 640 * time.Millisecond
)

// Pause waits before try number n + 2 (n counts from 0), or returns the error
// of ctx when that ends first.
type Pause func(ctx context.Context, n int) error

// Backoff is the [Pause] of a Store: a random part of a doubling delay ("full
// jitter"), so that writers who met once do not meet again.
func Backoff(ctx context.Context, n int) error {
	timer := time.NewTimer(delay(n, rand.Float64())) // #nosec G404 -- jitter is no secret
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// delay returns the part random, from [0,1), of the n-th delay.
func delay(n int, random float64) time.Duration {
	limit := maxDelay
	if n < 6 { // firstDelay << 5 is maxDelay
		limit = min(limit, firstDelay<<n)
	}
	return time.Duration(random * float64(limit))
}

// again calls try until it does not meet another write. It gives up with an
// error of reason r. The SDK repeats throttled and failed calls, but not those
// that met another write: they have to be read and decided anew.
func (s *Store) again(ctx context.Context, r apperr.Reason, try func() error) error {
	for n := 0; ; n++ {
		err := try()
		if err == nil || !metAnother(err) {
			return err
		}
		if n+1 == maxTries {
			return apperr.Wrap(fmt.Errorf("gave up after %d tries: %w", maxTries, err), r)
		}
		if paused := s.pause(ctx, n); paused != nil {
			return apperr.Wrap(errors.Join(paused, err), r)
		}
	}
}

// metAnother reports whether err says that somebody else wrote at the same
// time, so that the same call can succeed later or after another read.
func metAnother(err error) bool {
	var conflict *types.TransactionConflictException
	var condition *types.ConditionalCheckFailedException
	if errors.As(err, &conflict) || errors.As(err, &condition) {
		return true
	}
	var canceled *types.TransactionCanceledException
	if !errors.As(err, &canceled) {
		return false
	}
	return slices.ContainsFunc(canceled.CancellationReasons, func(reason types.CancellationReason) bool {
		switch aws.ToString(reason.Code) {
		// A throttled part cancels the transaction too, and then the SDK does
		// not repeat it either.
		case conditionFailed, "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
			return true
		}
		return false
	})
}

const conditionFailed = "ConditionalCheckFailed"

// refusedBy reports whether a transaction was canceled by the condition of its
// item number i.
func refusedBy(err error, i int) bool {
	var canceled *types.TransactionCanceledException
	return errors.As(err, &canceled) && i < len(canceled.CancellationReasons) &&
		aws.ToString(canceled.CancellationReasons[i].Code) == conditionFailed
}

// failed says what err broke. Overload of DynamoDB that outlasted the SDK's
// own tries is TemporarilyUnavailable, everything else internal.
func failed(err error, what string) error {
	err = fmt.Errorf("%s: %w", what, err)
	var (
		throughput *types.ProvisionedThroughputExceededException
		limit      *types.RequestLimitExceeded
		throttled  *types.ThrottlingException
		server     *types.InternalServerError
	)
	if errors.As(err, &throughput) || errors.As(err, &limit) || errors.As(err, &throttled) || errors.As(err, &server) {
		return apperr.Wrap(err, apperr.TemporarilyUnavailable)
	}
	return err
}
