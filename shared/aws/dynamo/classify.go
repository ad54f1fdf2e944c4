package dynamo

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
)

// Classify wraps err with the reason TemporarilyUnavailable if DynamoDB is
// overloaded or failing and the SDK's retries did not help. It returns every
// other error unchanged.
func Classify(err error) error {
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
