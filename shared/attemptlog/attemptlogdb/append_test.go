package attemptlogdb_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/apperr"
	"webhooks/shared/attemptlog"
	"webhooks/shared/attemptlog/attemptlogdb"
	"webhooks/shared/testkit/faulttest"
	"webhooks/shared/webhook"
)

func TestAppendConcurrently(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const writers, each = 8, 40
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			logs := append(b.logs(each), b.logs(each)...)
			for i := range each { // half of the logs are of another webhook
				logs[2*i].WebhookID = 8
			}
			if failed, err := b.store.Append(t.Context(), logs); err != nil || len(failed) > 0 {
				t.Errorf("append: %d failed, %v", len(failed), err)
			}
		})
	}
	wg.Wait()
	for _, id := range []int64{7, 8} {
		b.key = webhook.Key{TenantID: "acme", ID: id}
		ids(t, b.all(t, 100, writers*each), writers*each, 1)
	}
}

func TestAppendKeepsTheOrderOfLogs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	logs := b.logs(60)
	b.append(t, logs)
	for i, log := range b.all(t, 100, 60) {
		if want := logs[59-i].CreatedAt; !log.CreatedAt.Equal(want) {
			t.Errorf("log %d was created at %v, want %v", log.ID, log.CreatedAt, want)
		}
	}
}

// DynamoDB leaves three of 30 logs unprocessed twice, and only they are sent again.
func TestAppendSendsUnprocessedLogsAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var mu sync.Mutex
	var sent []int
	refused := 0
	faulttest.On(b.faults, func(in *dynamodb.BatchWriteItemInput) (*dynamodb.BatchWriteItemOutput, error) {
		requests := in.RequestItems[b.table]
		mu.Lock()
		defer mu.Unlock()
		sent = append(sent, len(requests))
		if (len(requests) == 25 || len(requests) == 3) && refused < 2 {
			refused++
			later := requests[len(requests)-3:]
			in.RequestItems[b.table] = requests[:len(requests)-3]
			if len(in.RequestItems[b.table]) > 0 {
				if _, err := b.client.BatchWriteItem(t.Context(), in); err != nil {
					return nil, err
				}
			}
			return &dynamodb.BatchWriteItemOutput{UnprocessedItems: map[string][]types.WriteRequest{b.table: later}}, nil
		}
		return b.client.BatchWriteItem(t.Context(), in)
	})
	failed, err := b.store.Append(t.Context(), b.logs(30))
	if err != nil || len(failed) > 0 {
		t.Fatalf("append: %d failed, %v", len(failed), err)
	}
	ids(t, b.all(t, 100, 30), 30, 1)
	counts := map[int]int{}
	for _, n := range sent {
		counts[n]++
	}
	if diff := cmp.Diff(map[int]int{25: 1, 5: 1, 3: 2}, counts); diff != "" {
		t.Errorf("sizes of the writes (-want +got):\n%s", diff)
	}
}

// A log that Append returns keeps its id: it is written under that id, however often
// it is appended again.
func TestALogThatAppendReturnsKeepsItsID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	writes := 0
	faulttest.On(b.faults, func(in *dynamodb.BatchWriteItemInput) (*dynamodb.BatchWriteItemOutput, error) {
		writes++
		return &dynamodb.BatchWriteItemOutput{UnprocessedItems: in.RequestItems}, nil
	})
	failed, err := b.store.Append(t.Context(), b.logs(3))
	if err == nil || len(failed) != 3 || writes != 8 {
		t.Fatalf("%d of 3 logs failed after %d writes (%v), want all after 8", len(failed), writes, err)
	}
	b.faults.Clear()
	for range 3 { // two copies of each in one batch, and the batch three times
		b.append(t, append(failed, failed...))
	}
	ids(t, b.all(t, 100, 3), 3, 1)
}

func TestAppendWithoutAReservation(t *testing.T) {
	t.Parallel()
	throttled := &types.ProvisionedThroughputExceededException{}
	b := setup(t)
	b.faults.Fail("UpdateItem", throttled)
	logs := b.logs(2)
	reserved := b.log(b.now)
	reserved.ID = 42
	failed, err := b.store.Append(t.Context(), append(logs, reserved))
	if !apperr.Is(err, apperr.TemporarilyUnavailable) || !errors.Is(err, throttled) {
		t.Errorf("the error is %v, want TemporarilyUnavailable because of the throttling", err)
	}
	if diff := cmp.Diff(logs, failed); diff != "" {
		t.Errorf("failed logs (-want +got):\n%s", diff)
	}
	if updates := b.faults.Calls("UpdateItem"); updates != 1 {
		t.Errorf("the reservation was sent %d times, want once", updates)
	}
}

// A retry by the SDK would reserve twice if a response is lost.
func TestReservationIsSentOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table = "no-such-table"
	store := attemptlogdb.New(dynamodb.New(b.client.Options(), func(o *dynamodb.Options) {
		o.BaseEndpoint = new("http://127.0.0.1:1") // a closed port: by default the SDK tries three times
	}), b.table, retention)
	calls := b.calls.during(func() {
		if _, err := store.Append(t.Context(), b.logs(1)); err == nil {
			t.Error("Append = nil, want an error")
		}
	})
	if diff := cmp.Diff(map[string]int{"Update": 1}, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestAppendEndsWithItsContext(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	faulttest.On(b.faults, func(in *dynamodb.BatchWriteItemInput) (*dynamodb.BatchWriteItemOutput, error) {
		cancel()
		return &dynamodb.BatchWriteItemOutput{UnprocessedItems: in.RequestItems}, nil
	})
	if failed, err := b.store.Append(ctx, b.logs(2)); !errors.Is(err, context.Canceled) || len(failed) != 2 {
		t.Errorf("%d logs failed (%v), want 2 and context.Canceled", len(failed), err)
	}
}

// A write costs one unit per KiB. A log with the longest ids and a response body of the
// default limit fits into one.
func TestOrdinaryLogCostsOneUnit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	log := b.log(b.now)
	log.TenantID, log.EventID = strings.Repeat("t", 64), strings.Repeat("e", 64)
	log.WebhookID, log.ID = 1000, 100_000_000
	log.Outcome, log.StatusCode, log.ResponseBody, log.Truncated = attemptlog.Retrying, 503, strings.Repeat("x", 512), true
	log.Failure, log.ResponseTime, log.NextAttemptAt = "protocol", 14*time.Second, b.now.Add(time.Hour)
	size := 0
	faulttest.On(b.faults, func(in *dynamodb.BatchWriteItemInput) (*dynamodb.BatchWriteItemOutput, error) {
		for name, value := range in.RequestItems[b.table][0].PutRequest.Item {
			size += len(name) + sizeOf(t, value)
		}
		return &dynamodb.BatchWriteItemOutput{}, nil
	})
	if _, err := b.store.Append(t.Context(), []attemptlog.Log{log}); err != nil {
		t.Fatal(err)
	}
	if size > 1024 || size < 512 {
		t.Errorf("a log takes %d bytes, want 512 to 1024", size)
	}
	t.Logf("a log with the longest ids and 512 bytes of body takes %d bytes", size)
}

// sizeOf returns the size of a value by the rules of DynamoDB:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func sizeOf(t *testing.T, value types.AttributeValue) int {
	t.Helper()
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return (len(v.Value)+1)/2 + 1
	case *types.AttributeValueMemberBOOL:
		return 1
	}
	t.Fatalf("unexpected attribute of type %T", value)
	return 0
}

// DynamoDB deletes logs by their TTL, but never item 0: an id that is used twice would
// overwrite a log.
func TestOnlyLogsHaveATTL(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.append(t, b.logs(2))
	out, err := b.client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &b.table})
	if err != nil {
		t.Fatal(err)
	}
	ttls := map[string]string{}
	for _, item := range out.Items {
		ttl, _ := item["ttl"].(*types.AttributeValueMemberN)
		if ttl == nil {
			ttl = &types.AttributeValueMemberN{Value: "none"}
		}
		ttls[item["log_id"].(*types.AttributeValueMemberN).Value] = ttl.Value
	}
	end := b.now.Add(retention).Unix()
	want := map[string]string{"0": "none", "1": strconv.FormatInt(end-1, 10), "2": strconv.FormatInt(end, 10)}
	if diff := cmp.Diff(want, ttls); diff != "" {
		t.Errorf("TTLs by log id (-want +got):\n%s", diff)
	}
}
