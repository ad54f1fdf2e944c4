package retrier_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/retrier"
	"webhooks/shared/delivery/retrydb"
	"webhooks/shared/event"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/webhook"
)

var start = time.Date(2026, 1, 26, 10, 0, 30, 0, time.UTC)

// bundle is a retrier on a table of its own. The cursor is 15 minutes behind.
type bundle struct {
	retrier *retrier.Retrier
	store   *retrydb.Store
	retries *retries
	sent    *sent
	client  *dynamodb.Client
	table   string
	now     time.Time
}

func setup(t *testing.T) *bundle {
	t.Helper()
	client, table := dynamodb.NewFromConfig(cloudtest.Config(t)), cloudtest.Table(t, "RetriesTable")
	b := newBundle(retrydb.New(client, table))
	b.client, b.table = client, table
	if err := b.store.Advance(t.Context(), retrydb.MinuteOf(b.now.Add(-15*time.Minute))); err != nil {
		t.Fatal(err)
	}
	return b
}

func newBundle(store *retrydb.Store) *bundle {
	b := &bundle{store: store, retries: &retries{Retries: store}, sent: new(sent), now: start}
	b.retrier = &retrier.Retrier{
		Log: slog.New(slog.DiscardHandler), Retries: b.retries, Queue: b.sent,
		Now: func() time.Time { return b.now },
	}
	return b
}

// retries is the store with faults. A func that returns an error fails the call.
type retries struct {
	retrier.Retries
	list   func(m retrydb.Minute, shard int) error
	delete func([]retrydb.Row) error
}

func (r *retries) List(ctx context.Context, m retrydb.Minute, shard int, after string) (rows []retrydb.Row, next string, unreadable, err error) {
	if r.list != nil {
		if err := r.list(m, shard); err != nil {
			return nil, "", nil, err
		}
	}
	return r.Retries.List(ctx, m, shard, after)
}

func (r *retries) Delete(ctx context.Context, rows []retrydb.Row) error {
	if r.delete != nil {
		if err := r.delete(rows); err != nil {
			return err
		}
	}
	return r.Retries.Delete(ctx, rows)
}

// sent is a queue that keeps its messages.
type sent struct {
	mu       sync.Mutex
	messages []queue.Message
	refuse   func(delivery.Delivery) error
}

func (s *sent) Send(_ context.Context, messages []queue.Message) []error {
	failures := make([]error, len(messages))
	for i, m := range messages {
		// The lock is not held here: the fake clock of synctest does not advance while a
		// goroutine waits for a mutex.
		if s.refuse != nil {
			content, _ := delivery.Decode([]byte(m.Body))
			failures[i] = s.refuse(content.Deliveries[0])
		}
		if failures[i] == nil {
			s.add(m)
		}
	}
	return failures
}

func (s *sent) add(m queue.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, m)
}

// take returns the delays of the messages since the last take, by event id. It fails
// if an event was sent twice.
func (s *sent) take(t *testing.T) map[string]time.Duration {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	delays := make(map[string]time.Duration)
	for _, m := range s.messages {
		content, err := delivery.Decode([]byte(m.Body))
		if err != nil {
			t.Fatal(err)
		}
		id := content.Subject().EventID
		if _, twice := delays[id]; twice {
			t.Errorf("%s was sent twice", id)
		}
		delays[id] = m.Delay
	}
	s.messages = nil
	return delays
}

// waiting returns a delivery that is due at due.
func waiting(name string, due time.Time) delivery.Delivery {
	return delivery.Delivery{
		Webhook: webhook.Key{TenantID: "acme", ID: 7}, Event: event.Key{TenantID: "acme", ID: name},
		Type: event.TrainingFailed, Attempt: 4, Due: due, Hash: event.Hash{1},
	}
}

// several returns n deliveries that are due at due; with many, all shards have some.
func several(n int, due time.Time) []delivery.Delivery {
	list := make([]delivery.Delivery, 0, n)
	for i := range n {
		list = append(list, waiting(fmt.Sprintf("evt_%04d", i), due))
	}
	return list
}

func (b *bundle) put(t *testing.T, deliveries ...delivery.Delivery) {
	t.Helper()
	for _, err := range b.store.PutMany(t.Context(), deliveries, b.now) {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (b *bundle) run(t *testing.T) {
	t.Helper()
	if err := b.retrier.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// left returns the number of rows in the minute of due.
func (b *bundle) left(t *testing.T, due time.Time) int {
	t.Helper()
	n := 0
	for shard := range retrydb.Shards {
		for after := ""; ; {
			rows, next, _, err := b.store.List(t.Context(), retrydb.MinuteOf(due), shard, after)
			if err != nil {
				t.Fatal(err)
			}
			n += len(rows)
			if after = next; after == "" {
				break
			}
		}
	}
	return n
}

// behind returns how many whole minutes the cursor is behind the clock.
func (b *bundle) behind(t *testing.T) int {
	t.Helper()
	m, known, err := b.store.Cursor(t.Context())
	if err != nil || !known {
		t.Fatalf("cursor known: %t, %v", known, err)
	}
	return int(retrydb.MinuteOf(b.now) - m)
}

// unreadable returns a row in shard 0 that cannot be decoded.
func unreadable(due time.Time) item {
	value := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	return item{"due": value(fmt.Sprintf("%d#0", retrydb.MinuteOf(due))), "id": value("a"), "message": value("hello")}
}
