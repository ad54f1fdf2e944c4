package webhookdb

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
	"webhooks/shared/aws/dynamo"
)

// maxTries bounds how often a write that met another one is done again: for
// about three seconds with [dynamo.Backoff].
const maxTries = 12

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

// failed says what err broke. Overload of DynamoDB is TemporarilyUnavailable,
// everything else internal.
func failed(err error, what string) error {
	return fmt.Errorf("%s: %w", what, dynamo.Classify(err))
}
