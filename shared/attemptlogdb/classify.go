package attemptlogdb

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
)

// classify tells a caller to come back when DynamoDB is throttled or away;
// every other error is ours.
func classify(err error) error {
	var (
		throughput *types.ProvisionedThroughputExceededException
		throttled  *types.ThrottlingException
		limited    *types.RequestLimitExceeded
		internal   *types.InternalServerError
	)
	if errors.As(err, &throughput) || errors.As(err, &throttled) || errors.As(err, &limited) || errors.As(err, &internal) {
		return apperr.Wrap(err, apperr.TemporarilyUnavailable)
	}
	return err
}
