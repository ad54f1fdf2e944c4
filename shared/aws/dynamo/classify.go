package dynamo

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/transport/http"

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
// instance without the permission for it. Such a request has changed nothing. The status
// decides: the SDK does not know the fault of an error that its model lacks, such as
// ServiceUnavailable.
func Refused(err error) bool {
	var answered *http.ResponseError
	return errors.As(err, &answered) && answered.HTTPStatusCode()/100 == 4 && !apperr.Is(Classify(err), apperr.TemporarilyUnavailable)
}
