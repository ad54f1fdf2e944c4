package retrydb_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/delivery/retrydb"
	"webhooks/shared/testkit/faulttest"
)

// leaving returns a fault that leaves the last n requests of every call unprocessed.
func (b bundle) leaving(t *testing.T, n int) func(*dynamodb.BatchWriteItemInput) (*dynamodb.BatchWriteItemOutput, error) {
	return func(in *dynamodb.BatchWriteItemInput) (*dynamodb.BatchWriteItemOutput, error) {
		requests := in.RequestItems[b.table]
		if len(requests) == 0 || len(requests) > 25 {
			t.Errorf("a call with %d writes, want 1 to 25", len(requests))
		}
		n := min(n, len(requests))
		now, later := requests[:len(requests)-n], requests[len(requests)-n:]
		out := &dynamodb.BatchWriteItemOutput{}
		if len(now) > 0 {
			var err error
			if out, err = b.client.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{
				RequestItems: map[string][]types.WriteRequest{b.table: now},
			}); err != nil {
				return nil, err
			}
		}
		if n > 0 {
			out.UnprocessedItems = map[string][]types.WriteRequest{b.table: later}
		}
		return out, nil
	}
}

func TestUnprocessedRowsAreWrittenAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	left := 25
	faulttest.On(b.faults, func(in *dynamodb.BatchWriteItemInput) (*dynamodb.BatchWriteItemOutput, error) {
		left -= 10
		return b.leaving(t, max(left, 0))(in)
	})
	b.put(t, samples(25)...)
	if rows, _ := b.list(t, retrydb.MinuteOf(due)); len(rows) != 25 {
		t.Errorf("%d rows, want 25", len(rows))
	}
	if got := b.pauses.Load(); got != 2 {
		t.Errorf("%d pauses, want 2 between three tries", got)
	}
}

// A stored delivery that PutMany reports as failed would get a copy in the queue.
func TestOnlyTheRowsThatWereNotWrittenFail(t *testing.T) {
	t.Parallel()
	b := setup(t)
	faulttest.On(b.faults, b.leaving(t, 3))
	failed := 0
	list := samples(20)
	stored := make(map[string]bool)
	failures := b.PutMany(t.Context(), list, due)
	b.faults.Clear()
	rows, _ := b.list(t, retrydb.MinuteOf(due))
	for _, row := range rows {
		stored[row.Delivery.Event.ID] = true
	}
	for i, err := range failures {
		if err != nil {
			failed++
		}
		if (err == nil) != stored[list[i].Event.ID] {
			t.Errorf("delivery %d: err %v, but stored: %t", i, err, stored[list[i].Event.ID])
		}
	}
	if failed != 3 {
		t.Errorf("%d failures, want the 3 that DynamoDB left unprocessed", failed)
	}
}

func TestDeleteReportsUnprocessedRows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put(t, samples(10)...)
	rows, _ := b.list(t, retrydb.MinuteOf(due))
	faulttest.On(b.faults, b.leaving(t, 4))
	if err := b.Delete(t.Context(), rows); err == nil {
		t.Error("Delete returns no error")
	}
	if left, _ := b.list(t, retrydb.MinuteOf(due)); len(left) != 4 {
		t.Errorf("%d rows are left, want 4", len(left))
	}
}

func TestAFailedCallFailsItsRowsAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	broken := errors.New("broken")
	calls := 0
	faulttest.On(b.faults, func(in *dynamodb.BatchWriteItemInput) (*dynamodb.BatchWriteItemOutput, error) {
		if calls++; calls == 1 {
			return nil, broken
		}
		return b.leaving(t, 0)(in)
	})
	failed := 0
	// Both copies of a row in the first call get its error.
	for _, err := range b.PutMany(t.Context(), append(samples(30), samples(30)...), due) {
		if errors.Is(err, broken) {
			failed++
		} else if err != nil {
			t.Error(err)
		}
	}
	if failed != 2*25 || calls != 2 {
		t.Errorf("%d failures in %d calls, want 50 in 2", failed, calls)
	}
}
