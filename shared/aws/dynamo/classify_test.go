package dynamo_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"webhooks/shared/apperr"
	"webhooks/shared/aws/dynamo"
	"webhooks/shared/testkit/faulttest"
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

// A refused request has changed nothing. One that failed in another way may have.
func TestRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"no permission":     {faulttest.Answer(400, &smithy.GenericAPIError{Code: "AccessDeniedException"}), true},
		"invalid statement": {faulttest.Answer(400, &smithy.GenericAPIError{Code: "ValidationException"}), true},
		"missing table":     {faulttest.Answer(400, &types.ResourceNotFoundException{}), true},
		"overload":          {faulttest.Answer(400, &types.ThrottlingException{}), false},
		"failing":           {faulttest.Answer(500, &types.InternalServerError{}), false},
		"another failure":   {faulttest.Answer(503, &smithy.GenericAPIError{Code: "ServiceUnavailable"}), false},
		"no answer":         {errors.New("connection reset"), false},
		"none":              {nil, false},
	} {
		if got := dynamo.Refused(fmt.Errorf("update: %w", tt.err)); got != tt.want {
			t.Errorf("%s: %t, want %t", name, got, tt.want)
		}
	}
}
