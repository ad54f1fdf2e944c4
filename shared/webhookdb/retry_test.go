package webhookdb

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/apperr"
)

func TestDelay(t *testing.T) {
	t.Parallel()
	for n, want := range []time.Duration{20, 40, 80, 160, 320, 640, 640, 640} {
		want *= time.Millisecond
		if got := delay(n, 1); got != want {
			t.Errorf("longest delay %d = %v, want %v", n, got, want)
		}
		if got := delay(n, 0.5); got != want/2 {
			t.Errorf("middle delay %d = %v, want %v", n, got, want/2)
		}
	}
	if got := delay(1<<40, 1); got != maxDelay {
		t.Errorf("delay of a huge number = %v, want %v", got, maxDelay)
	}
}

func TestBackoffEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	// Both ends may be there at once; the next call of the SDK fails then.
	if err := Backoff(ctx, 50); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
	if err := Backoff(t.Context(), 0); err != nil {
		t.Errorf("error = %v", err)
	}
}

func TestOverloadIsTemporary(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		&types.ProvisionedThroughputExceededException{}, &types.RequestLimitExceeded{},
		&types.ThrottlingException{}, &types.InternalServerError{},
	} {
		if got := failed(err, "write"); !apperr.Is(got, apperr.TemporarilyUnavailable) || !errors.Is(got, err) {
			t.Errorf("failed(%T) = %v", err, got)
		}
	}
	if got := failed(&types.ResourceNotFoundException{}, "write"); apperr.From(got).Reason != apperr.InternalError {
		t.Errorf("a missing table is %v, want internal", got)
	}
}
