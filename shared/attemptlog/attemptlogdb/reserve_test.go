package attemptlogdb_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/apperr"
	"webhooks/shared/attemptlog"
	"webhooks/shared/attemptlog/attemptlogdb"
	"webhooks/shared/testkit/faulttest"
	"webhooks/shared/webhook"
)

func TestAppendWithoutAReservation(t *testing.T) {
	t.Parallel()
	throttled := &types.ProvisionedThroughputExceededException{}
	for operation, webhooks := range map[string]int{"UpdateItem": 1, "BatchExecuteStatement": 2} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.faults.Fail(operation, throttled)
			var logs []attemptlog.Log
			for range 2 {
				logs = append(logs, b.of(webhooks)...)
			}
			reserved := attemptlog.Chunks(b.logs(1))[0].Numbered(42, 0)
			failed, err := b.store.Append(t.Context(), append(attemptlog.Chunks(logs), reserved...))
			if !apperr.Is(err, apperr.TemporarilyUnavailable) || !errors.Is(err, throttled) {
				t.Errorf("the error is %v, want TemporarilyUnavailable because of the throttling", err)
			}
			if diff := cmp.Diff(attemptlog.Chunks(logs), failed); diff != "" {
				t.Errorf("failed chunks (-want +got):\n%s", diff)
			}
			if got := b.faults.Calls("UpdateItem", "BatchExecuteStatement"); got != 1 {
				t.Errorf("%d reservations were sent, want one", got)
			}
			b.faults.Clear()
			b.rewrite(t, failed)
			if diff := cmp.Diff(slices.Repeat([]int{2}, webhooks), b.counts(t, webhooks)); diff != "" {
				t.Errorf("logs of each webhook afterwards (-want +got):\n%s", diff)
			}
		})
	}
}

// A retry by the SDK would reserve twice if a response is lost.
func TestReservationIsSentOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	store := attemptlogdb.New(dynamodb.New(b.client.Options(), func(o *dynamodb.Options) {
		o.BaseEndpoint = new("http://127.0.0.1:1") // a closed port: by default the SDK tries three times
	}), "no-such-table", retention)
	for operation, logs := range map[string][]attemptlog.Log{"Update": b.logs(1), "BatchExecuteStatement": b.of(3)} {
		calls := b.calls.during(func() {
			if _, err := store.Append(t.Context(), attemptlog.Chunks(logs)); err == nil {
				t.Error("Append = nil, want an error")
			}
		})
		if diff := cmp.Diff(map[string]int{operation: 1}, calls); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	}
}

// A statement that fails for the load of its partition fails alone and is not repeated. One
// that changed nothing is done by an UpdateItem.
func TestAStatementFailsAlone(t *testing.T) {
	t.Parallel()
	tests := map[types.BatchStatementErrorCodeEnum]struct{ written bool }{
		types.BatchStatementErrorCodeEnumConditionalCheckFailed:        {written: true},
		types.BatchStatementErrorCodeEnumValidationError:               {written: true},
		types.BatchStatementErrorCodeEnumTransactionConflict:           {written: true},
		types.BatchStatementErrorCodeEnumAccessDenied:                  {written: true},
		types.BatchStatementErrorCodeEnumThrottlingError:               {},
		types.BatchStatementErrorCodeEnumProvisionedThroughputExceeded: {},
		types.BatchStatementErrorCodeEnumRequestLimitExceeded:          {},
		types.BatchStatementErrorCodeEnumInternalServerError:           {},
	}
	for code, tt := range tests {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.append(t, b.of(3)) // makes their items 0
			faulttest.On(b.faults, func(in *dynamodb.BatchExecuteStatementInput) (*dynamodb.BatchExecuteStatementOutput, error) {
				in.Statements = slices.Delete(in.Statements, 1, 2)
				out, err := b.client.BatchExecuteStatement(t.Context(), in)
				if err == nil {
					out.Responses = slices.Insert(out.Responses, 1, types.BatchStatementResponse{Error: &types.BatchStatementError{Code: code}})
				}
				return out, err
			})
			logs := b.of(3)
			failed, err := b.store.Append(t.Context(), attemptlog.Chunks(logs))
			want := []int{2, 1, 2}
			if tt.written {
				want[1] = 2
			} else if diff := cmp.Diff(attemptlog.Chunks(logs[1:2]), failed); diff != "" || !apperr.Is(err, apperr.TemporarilyUnavailable) || !strings.Contains(err.Error(), string(code)) {
				t.Errorf("%v; failed (-want +got):\n%s", err, diff)
			}
			if tt.written && (err != nil || len(failed) > 0) {
				t.Errorf("%d chunks failed (%v), want none", len(failed), err)
			}
			if diff := cmp.Diff(want, b.counts(t, 3)); diff != "" {
				t.Errorf("logs of each webhook (-want +got):\n%s", diff)
			}
		})
	}
}

// An answer that does not say which ids are reserved leaves a hole. The logs get other ids,
// and the error tells of the hole.
func TestAnAnswerWithoutIDs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	faulttest.On(b.faults, func(in *dynamodb.BatchExecuteStatementInput) (*dynamodb.BatchExecuteStatementOutput, error) {
		return &dynamodb.BatchExecuteStatementOutput{Responses: make([]types.BatchStatementResponse, len(in.Statements))}, nil
	})
	failed, err := b.store.Append(t.Context(), attemptlog.Chunks(b.of(2)))
	if len(failed) != 0 || err == nil || strings.Count(err.Error(), "returned no ids") != 2 {
		t.Errorf("%d chunks failed (%v), want none, and an error for each webhook", len(failed), err)
	}
	if diff := cmp.Diff([]int{1, 1}, b.counts(t, 2)); diff != "" {
		t.Errorf("logs of each webhook (-want +got):\n%s", diff)
	}
	faulttest.On(b.faults, func(*dynamodb.BatchExecuteStatementInput) (*dynamodb.BatchExecuteStatementOutput, error) {
		return &dynamodb.BatchExecuteStatementOutput{}, nil
	})
	if failed, err := b.store.Append(t.Context(), attemptlog.Chunks(b.of(2))); err == nil || len(failed) != 2 || failed[0].First != 0 {
		t.Errorf("%+v failed (%v), want both chunks without ids", failed, err)
	}
}

// DynamoDB may refuse the statements themselves. No log waits for that.
func TestARefusedBatchIsReservedByWebhook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.faults.Fail("BatchExecuteStatement", faulttest.Answer(400, &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no PartiQLUpdate"}))
	failed, err := b.store.Append(t.Context(), attemptlog.Chunks(b.of(3)))
	if len(failed) != 0 || err == nil || strings.Count(err.Error(), "no PartiQLUpdate") != 3 {
		t.Errorf("%d chunks failed (%v), want none, and an error for each webhook", len(failed), err)
	}
	if diff := cmp.Diff([]int{1, 1, 1}, b.counts(t, 3)); diff != "" {
		t.Errorf("logs of each webhook (-want +got):\n%s", diff)
	}
}

// The item 0 that Forget makes has no numbers yet.
func TestReservationOfAForgottenWebhook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if err := b.store.Forget(t.Context(), webhook.Key{TenantID: "acme", ID: 8}, true, b.now); err != nil {
		t.Fatal(err)
	}
	b.append(t, b.of(2))
	b.append(t, b.of(2))
	if diff := cmp.Diff([]int{2, 2}, b.counts(t, 2)); diff != "" {
		t.Errorf("logs of each webhook (-want +got):\n%s", diff)
	}
}
