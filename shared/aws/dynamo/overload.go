package dynamo

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
)

// Classify makes err, if it is overload of DynamoDB that outlasted the SDK's own
// tries, an error of reason TemporarilyUnavailable: the caller is to come back.
// Every other error is a fault of ours and returned as it is.
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
