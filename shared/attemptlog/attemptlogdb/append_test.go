package attemptlogdb_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/attemptlog"
	"webhooks/shared/testkit/faulttest"
	"webhooks/shared/webhook"
)

// of returns a log of each of n webhooks, from the webhook of the bundle on.
func (b *bundle) of(n int) []attemptlog.Log {
	logs := b.logs(n)
	for i := range logs {
		logs[i].WebhookID += int64(i)
	}
	return logs
}

// counts returns the number of logs of each of n webhooks, from the webhook of the bundle
// on.
func (b *bundle) counts(t *testing.T, n int) []int {
	t.Helper()
	var counts []int
	own := b.key
	for i := range n {
		b.key.ID = own.ID + int64(i)
		counts = append(counts, len(b.list(t, 1, 100).Logs))
	}
	b.key = own
	return counts
}

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
			if failed, err := b.store.Append(t.Context(), attemptlog.Chunks(logs)); err != nil || len(failed) > 0 {
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

// Whatever the number of webhooks, a flush makes two calls for 25 of them. The first flush
// of a webhook makes its item 0.
func TestAppendMakesTwoCalls(t *testing.T) {
	t.Parallel()
	b := setup(t)
	calls := func(logs []attemptlog.Log) map[string]int {
		return b.calls.during(func() { b.append(t, logs) })
	}
	for _, step := range []struct {
		name string
		logs []attemptlog.Log
		want map[string]int
	}{
		{"one new webhook", b.logs(10), map[string]int{"Update": 1, "BatchWrite": 1}},
		{"one webhook again", b.logs(10), map[string]int{"Update": 1, "BatchWrite": 1}},
		{"a known webhook and 24 new ones", b.of(25), map[string]int{"BatchExecuteStatement": 1, "Update": 24, "BatchWrite": 1}},
		{"25 webhooks", b.of(25), map[string]int{"BatchExecuteStatement": 1, "BatchWrite": 1}},
		{"ten logs of each of ten webhooks", slices.Concat(slices.Repeat([][]attemptlog.Log{b.of(10)}, 10)...), map[string]int{"BatchExecuteStatement": 1, "BatchWrite": 1}},
		{"nothing", nil, map[string]int{}},
	} {
		if diff := cmp.Diff(step.want, calls(step.logs)); diff != "" {
			t.Errorf("calls for %s (-want +got):\n%s", step.name, diff)
		}
	}
	want := append(slices.Repeat([]int{12}, 10), slices.Repeat([]int{2}, 15)...)
	want[0] += 20
	if diff := cmp.Diff(want, b.counts(t, 25)); diff != "" {
		t.Errorf("logs of each webhook (-want +got):\n%s", diff)
	}
}

// DynamoDB leaves three of 30 chunks unprocessed twice, and only they are sent again.
func TestAppendSendsUnprocessedChunksAgain(t *testing.T) {
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
	b.append(t, b.of(30))
	if diff := cmp.Diff(slices.Repeat([]int{1}, 30), b.counts(t, 30)); diff != "" {
		t.Errorf("logs of each webhook (-want +got):\n%s", diff)
	}
	counts := map[int]int{}
	for _, n := range sent {
		counts[n]++
	}
	if diff := cmp.Diff(map[int]int{25: 1, 5: 1, 3: 2}, counts); diff != "" {
		t.Errorf("sizes of the writes (-want +got):\n%s", diff)
	}
}

// A chunk that Append returns keeps its ids: it writes the same items, however often it
// is appended again and whatever was appended meanwhile.
func TestAChunkThatAppendReturnsKeepsItsIDs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	writes := 0
	faulttest.On(b.faults, func(in *dynamodb.BatchWriteItemInput) (*dynamodb.BatchWriteItemOutput, error) {
		writes++
		return &dynamodb.BatchWriteItemOutput{UnprocessedItems: in.RequestItems}, nil
	})
	logs := b.logs(3)
	logs[1].Outcome = attemptlog.Failed
	failed, err := b.store.Append(t.Context(), attemptlog.Chunks(logs))
	if err == nil || len(failed) != 1 || len(failed[0].Logs) != 3 || writes != 8 {
		t.Fatalf("%+v failed after %d writes (%v), want one chunk of 3 logs after 8", failed, writes, err)
	}
	b.faults.Clear()
	b.append(t, b.logs(2))
	b.rewrite(t, failed)
	ids(t, b.all(t, 100, 5), 5, 1)
	before := b.scan(t)
	faulttest.On(b.faults, func(in *dynamodb.BatchWriteItemInput) (*dynamodb.BatchWriteItemOutput, error) {
		if got := len(in.RequestItems[b.table]); got != 3 { // DynamoDB refuses a request that names a key twice
			t.Errorf("a request writes %d items, want the chunk, the problem and the row of its event", got)
		}
		return nil, nil
	})
	for range 3 { // two copies of each in one batch, and the batch three times
		b.rewrite(t, append(failed, failed...))
	}
	if diff := cmp.Diff(before, b.scan(t), ignoreUnexported); diff != "" {
		t.Errorf("items (-before +after):\n%s", diff)
	}
}

// If one item of a chunk cannot be written, the whole chunk is returned.
func TestAChunkIsReturnedAsAWhole(t *testing.T) {
	t.Parallel()
	for _, bucket := range []string{"acme#7#c0", "acme#7#p0", "acme#e#evt_1"} {
		t.Run(bucket, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			faulttest.On(b.faults, func(in *dynamodb.BatchWriteItemInput) (*dynamodb.BatchWriteItemOutput, error) {
				refused := slices.DeleteFunc(slices.Clone(in.RequestItems[b.table]), func(w types.WriteRequest) bool {
					return w.PutRequest.Item["log_bucket"].(*types.AttributeValueMemberS).Value != bucket
				})
				return &dynamodb.BatchWriteItemOutput{UnprocessedItems: map[string][]types.WriteRequest{b.table: refused}}, nil
			})
			logs := append(b.logs(3), b.of(2)[1])
			logs[1].Outcome = attemptlog.Failed
			failed, err := b.store.Append(t.Context(), attemptlog.Chunks(logs))
			want := attemptlog.Chunk{Webhook: b.key, First: 1, FirstProblem: 1, Logs: slices.Clone(logs[:3])}
			for i := range want.Logs {
				want.Logs[i].ID = int64(i) + 1
			}
			if diff := cmp.Diff([]attemptlog.Chunk{want}, failed); err == nil || diff != "" {
				t.Errorf("%v; returned (-want +got):\n%s", err, diff)
			}
		})
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
	if failed, err := b.store.Append(ctx, attemptlog.Chunks(b.logs(2))); !errors.Is(err, context.Canceled) || len(failed) != 1 {
		t.Errorf("%d chunks failed (%v), want 1 and context.Canceled", len(failed), err)
	}
}

// DynamoDB deletes logs by their TTL, but never item 0: an id that is used twice would
// overwrite a log. A chunk lives as long as its latest log.
func TestOnlyLogsHaveATTL(t *testing.T) {
	t.Parallel()
	b := setup(t)
	logs := b.logs(2)
	logs[0].Outcome = attemptlog.Failed
	slices.Reverse(logs)
	b.append(t, logs)
	ttls := map[string]string{}
	for key, item := range b.scan(t) {
		ttl, _ := item["ttl"].(*types.AttributeValueMemberN)
		if ttl == nil {
			ttl = &types.AttributeValueMemberN{Value: "none"}
		}
		ttls[key] = ttl.Value
	}
	end := b.now.Add(retention).Unix()
	want := map[string]string{
		"acme#7 0": "none", "acme#7#c0 1": strconv.FormatInt(end, 10), "acme#7#p0 1": strconv.FormatInt(end-1, 10),
		"acme#e#evt_1 70000000000000000002": strconv.FormatInt(end-1, 10),
	}
	if diff := cmp.Diff(want, ttls); diff != "" {
		t.Errorf("TTLs by key (-want +got):\n%s", diff)
	}
}
