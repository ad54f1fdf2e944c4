package attemptlogdb_test

import (
	"context"
	"maps"
	"math"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"

	"webhooks/shared/attemptlog"
	"webhooks/shared/attemptlog/attemptlogdb"
	"webhooks/shared/aws/dynamo"
	"webhooks/shared/event"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/faulttest"
	"webhooks/shared/webhook"
)

const retention = 30 * 24 * time.Hour

// bundle is a store on a table of its own, and the time at which it is read.
type bundle struct {
	table  string
	client *dynamodb.Client // the test's own, without faults
	faulty *dynamodb.Client // the store's
	store  *attemptlogdb.Store
	key    webhook.Key
	now    time.Time
	calls  *calls
	faults *faulttest.Faults
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{
		table: cloudtest.Table(t, "LogsTable"),
		key:   webhook.Key{TenantID: "acme", ID: 7},
		now:   time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC),
		calls: &calls{count: make(map[string]int)}, faults: new(faulttest.Faults),
	}
	cfg := cloudtest.Config(t)
	cfg.APIOptions = append(cfg.APIOptions, b.calls.watch)
	b.client = dynamodb.NewFromConfig(cfg)
	b.faulty = dynamodb.NewFromConfig(b.faults.Config(cfg))
	b.redeploy(retention)
	return b
}

// redeploy replaces the store by one with another retention, as a deployment with a
// changed LogRetentionDays does.
func (b *bundle) redeploy(retention time.Duration) {
	b.store = attemptlogdb.New(b.faulty, b.table, retention)
	b.store.SetPause(func(ctx context.Context, _ int) error { return ctx.Err() })
}

// logs returns n logs that were created a second apart, the last one now.
func (b *bundle) logs(n int) []attemptlog.Log {
	logs := make([]attemptlog.Log, 0, n)
	for i := range n {
		logs = append(logs, b.log(b.now.Add(time.Duration(i-n+1)*time.Second)))
	}
	return logs
}

func (b *bundle) log(created time.Time) attemptlog.Log {
	return attemptlog.Log{
		TenantID: b.key.TenantID, WebhookID: b.key.ID, EventID: "evt_1", EventType: event.TrainingFailed, Trigger: attemptlog.FirstAttempt, Attempt: 1,
		Outcome: attemptlog.Delivered, StatusCode: 200, ResponseTime: 125 * time.Millisecond, ResponseBody: "OK", CreatedAt: created,
	}
}

func (b *bundle) append(t *testing.T, logs []attemptlog.Log) {
	t.Helper()
	b.rewrite(t, attemptlog.Chunks(logs))
}

// rewrite appends chunks, which may have ids.
func (b *bundle) rewrite(t *testing.T, chunks []attemptlog.Chunk) {
	t.Helper()
	if failed, err := b.store.Append(t.Context(), chunks); err != nil || len(failed) > 0 {
		t.Fatalf("append %d chunks: %d failed, %v", len(chunks), len(failed), err)
	}
}

func (b *bundle) list(t *testing.T, number, size int) attemptlog.Page {
	t.Helper()
	page, err := b.store.List(t.Context(), b.key, math.MaxInt64, number, size, b.now)
	if err != nil {
		t.Fatalf("list page %d: %v", number, err)
	}
	return page
}

// unwritten reserves ids for logs, fails to write them, and returns the chunks that go
// round the queue.
func (b *bundle) unwritten(t *testing.T, logs []attemptlog.Log) []attemptlog.Chunk {
	t.Helper()
	if len(logs) == 0 {
		return nil
	}
	b.faults.Fail("BatchWriteItem", context.Canceled)
	defer b.faults.Clear()
	failed, err := b.store.Append(t.Context(), attemptlog.Chunks(logs))
	count := 0
	for _, c := range failed {
		count += len(c.Logs)
	}
	if err == nil || count != len(logs) {
		t.Fatalf("Append wrote %d logs (%v), want none", len(logs)-count, err)
	}
	return failed
}

// calls counts the calls of DynamoDB by operation.
type calls struct {
	mu    sync.Mutex
	count map[string]int
}

func (c *calls) watch(stack *middleware.Stack) error {
	return stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("count", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
		c.mu.Lock()
		c.count[strings.TrimSuffix(middleware.GetOperationName(ctx), "Item")]++
		c.mu.Unlock()
		return next.HandleFinalize(ctx, in)
	}), middleware.After)
}

// during returns the calls that do makes.
func (c *calls) during(do func()) map[string]int {
	c.mu.Lock()
	clear(c.count)
	c.mu.Unlock()
	do()
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.count)
}

// count sets the last id and the last problem number of the webhook.
func (b *bundle) count(t *testing.T, lastID, lastProblem int64) {
	t.Helper()
	item := attemptlogdb.CounterKey(b.key)
	item["last_id"], item["last_problem"] = &types.AttributeValueMemberN{Value: strconv.FormatInt(lastID, 10)}, &types.AttributeValueMemberN{Value: strconv.FormatInt(lastProblem, 10)}
	if _, err := b.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &b.table, Item: item}); err != nil {
		t.Fatal(err)
	}
}

// skip reserves n ids and loses them, as a crash after the reservation does.
func (b *bundle) skip(t *testing.T, n int64) {
	t.Helper()
	_, err := b.client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: &b.table, Key: attemptlogdb.CounterKey(b.key), UpdateExpression: new("ADD last_id :n, last_problem :zero"),
		ExpressionAttributeValues: dynamo.Item{":n": &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}, ":zero": &types.AttributeValueMemberN{Value: "0"}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// lastID returns the last id of the webhook.
func (b *bundle) lastID(t *testing.T) int64 {
	t.Helper()
	text, _ := b.counter(t)
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// millis returns the time of an attribute in Unix milliseconds.
func millis(t *testing.T, value types.AttributeValue) time.Time {
	t.Helper()
	ms, err := strconv.ParseInt(value.(*types.AttributeValueMemberN).Value, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.UnixMilli(ms)
}
