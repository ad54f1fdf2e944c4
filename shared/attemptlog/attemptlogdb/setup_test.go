package attemptlogdb_test

import (
	"context"
	"maps"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/middleware"

	"webhooks/shared/attemptlog"
	"webhooks/shared/attemptlog/attemptlogdb"
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
		TenantID: b.key.TenantID, WebhookID: b.key.ID, EventID: "evt_1", EventType: event.TrainingFailed, Attempt: 1,
		Outcome: attemptlog.Delivered, StatusCode: 200, ResponseTime: 125 * time.Millisecond, ResponseBody: "OK", CreatedAt: created,
	}
}

func (b *bundle) append(t *testing.T, logs []attemptlog.Log) {
	t.Helper()
	if failed, err := b.store.Append(t.Context(), logs); err != nil || len(failed) > 0 {
		t.Fatalf("append %d logs: %d failed, %v", len(logs), len(failed), err)
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

// reserve reserves n ids without logs, as a crash between the two calls of Append
// does.
func (b *bundle) reserve(t *testing.T, n int) {
	t.Helper()
	if n == 0 {
		return
	}
	b.faults.Fail("BatchWriteItem", context.Canceled)
	defer b.faults.Clear()
	if failed, err := b.store.Append(t.Context(), b.logs(n)); err == nil || len(failed) != n {
		t.Fatalf("Append wrote %d logs (%v), want none", n-len(failed), err)
	}
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
