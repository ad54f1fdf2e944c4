package dynamo_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
	"webhooks/shared/aws/dynamo"
)

func TestOverloadIsTemporarilyUnavailable(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		&types.ProvisionedThroughputExceededException{}, &types.RequestLimitExceeded{},
		&types.ThrottlingException{}, &types.InternalServerError{},
	} {
		wrapped := fmt.Errorf("write: %w", dynamo.Classify(fmt.Errorf("put: %w", err)))
		if !apperr.Is(wrapped, apperr.TemporarilyUnavailable) || !errors.Is(wrapped, err) {
			t.Errorf("Classify(%T) = %v", err, wrapped)
		}
	}
	if got := dynamo.Classify(&types.ResourceNotFoundException{}); apperr.From(got).Reason != apperr.InternalError {
		t.Errorf("a missing table is classified as %v, want an internal error", got)
	}
	if err := dynamo.Classify(nil); err != nil {
		t.Errorf("Classify(nil) = %v", err)
	}
}
