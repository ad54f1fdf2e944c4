package webhookdb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
)

// maxTries limits the tries of a conditional write. With dynamo.Backoff they
// take about three seconds.
const maxTries = 12

// conflictWait is how long a caller should wait after [Store.retryConflicts] gave up.
const conflictWait = 2 * time.Second

// retryConflicts is the store's optimistic locking. It calls try, which reads,
// decides and makes a conditional write, until that does not conflict with another
// write. The SDK retries throttled and failed calls, but not conflicts.
//
// It gives up with reason r if other writes come first each time, and with
// TemporarilyUnavailable if an item is throttled.
func (s *Store) retryConflicts(ctx context.Context, r apperr.Reason, try func() error) error {
	for n := 0; ; n++ {
		err := try()
		if err == nil {
			return nil
		}
		again, throttled := isConflict(err)
		if !again {
			return err
		}
		if throttled {
			r = apperr.TemporarilyUnavailable
		}
		if n+1 == maxTries {
			err = fmt.Errorf("gave up after %d tries: %w", maxTries, err)
			return &apperr.Error{Reason: r, RetryAfter: conflictWait, Err: err}
		}
		if paused := s.pause(ctx, n); paused != nil {
			return &apperr.Error{Reason: r, RetryAfter: conflictWait, Err: errors.Join(paused, err)}
		}
	}
}

// isConflict reports whether err means that another write came first or is in
// flight, or that an item is throttled, so that another try can succeed.
func isConflict(err error) (again, throttled bool) {
	var conflict *types.TransactionConflictException
	var condition *types.ConditionalCheckFailedException
	if errors.As(err, &conflict) || errors.As(err, &condition) {
		return true, false
	}
	var canceled *types.TransactionCanceledException
	if !errors.As(err, &canceled) {
		return false, false
	}
	has := func(codes ...string) bool {
		return slices.ContainsFunc(canceled.CancellationReasons, func(r types.CancellationReason) bool {
			return slices.Contains(codes, aws.ToString(r.Code))
		})
	}
	switch {
	// A throttled item cancels the transaction, which the SDK does not retry.
	case has("ThrottlingError", "ProvisionedThroughputExceeded"):
		return true, true
	case has(conditionalCheckFailed, "TransactionConflict"):
		return true, false
	}
	return false, false
}

// conditionalCheckFailed is a reason of a canceled transaction:
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
const conditionalCheckFailed = "ConditionalCheckFailed"

// conditionFailed reports whether the condition of a transaction's item i
// canceled the transaction.
func conditionFailed(err error, i int) bool {
	var canceled *types.TransactionCanceledException
	return errors.As(err, &canceled) && i < len(canceled.CancellationReasons) &&
		aws.ToString(canceled.CancellationReasons[i].Code) == conditionalCheckFailed
}
