package dynamo

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

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

// Refused reports whether err is DynamoDB's refusal of a request for what it asks, for
// instance without the permission for it. Such a request has changed nothing.
func Refused(err error) bool {
	var answered smithy.APIError
	return errors.As(err, &answered) && answered.ErrorFault() != smithy.FaultServer && !apperr.Is(Classify(err), apperr.TemporarilyUnavailable)
}
