package webhookdb

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
)

// maxTries limits the tries of a conditional write. With dynamo.Backoff they
// take about three seconds.
const maxTries = 12

// retryConflicts is the store's optimistic locking. It calls try, which reads,
// decides and makes a conditional write, until that does not conflict with another
// write. It gives up with an error of reason r. The SDK retries throttled and failed
// calls, but not conflicts.
func (s *Store) retryConflicts(ctx context.Context, r apperr.Reason, try func() error) error {
	for n := 0; ; n++ {
		err := try()
		if err == nil || !isConflict(err) {
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

// isConflict reports whether err means that another write came first or is in
// flight, or that an item is throttled, so that another try can succeed.
func isConflict(err error) bool {
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
		// A throttled item cancels the transaction, which the SDK does not retry.
		case conditionalCheckFailed, "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
			return true
		}
		return false
	})
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
