package dispatch_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"webhooks/shared/attemptlog"
	"webhooks/shared/aws/queue"
	"webhooks/shared/deadletter"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/attempt"
	"webhooks/shared/delivery/dispatch"
	"webhooks/shared/delivery/inbound"
	"webhooks/shared/delivery/retrydb"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
)

// atomicCount is a counter for several goroutines.
type atomicCount struct{ n atomic.Int32 }

func (c *atomicCount) add()     { c.n.Add(1) }
func (c *atomicCount) get() int { return int(c.n.Load()) }

// logsFunc appends logs and returns those that it could not write.
type logsFunc func(context.Context, []attemptlog.Log) ([]attemptlog.Log, error)

func (f logsFunc) Append(ctx context.Context, chunks []attemptlog.Chunk) ([]attemptlog.Chunk, error) {
	var logs []attemptlog.Log
	for _, c := range chunks {
		logs = append(logs, c.Logs...)
	}
	failed, err := f(ctx, logs)
	return attemptlog.Chunks(failed), err
}

type chunksFunc func(context.Context, []attemptlog.Chunk) ([]attemptlog.Chunk, error)

func (f chunksFunc) Append(ctx context.Context, chunks []attemptlog.Chunk) ([]attemptlog.Chunk, error) {
	return f(ctx, chunks)
}

type queueFunc func(context.Context, []queue.Message) []error

func (f queueFunc) Send(ctx context.Context, messages []queue.Message) []error {
	return f(ctx, messages)
}

type retriesFunc func(context.Context, []delivery.Delivery) []error

func (f retriesFunc) PutMany(ctx context.Context, deliveries []delivery.Delivery, _ time.Time) []error {
	return f(ctx, deliveries)
}

type senderFunc func(context.Context, attempt.Request) attempt.Result

func (senderFunc) Wake(time.Time) {}

func (senderFunc) Timeout() time.Duration { return 15 * time.Second }

func (f senderFunc) Send(ctx context.Context, r attempt.Request) attempt.Result { return f(ctx, r) }

// webhooksStub returns the same webhook for every key.
type webhooksStub struct {
	webhook webhook.Webhook
	reads   atomicCount
	getMany func([]webhook.Key)
	// unreadable has the errors of webhooks that cannot be read or decrypted.
	unreadable map[webhook.Key]error
	disable    func(webhook.Key, int64) (bool, error)
}

func (s *webhooksStub) GetMany(_ context.Context, keys []webhook.Key, _ time.Time) (map[webhook.Key]webhook.Webhook, map[webhook.Key]error) {
	s.reads.add()
	if s.getMany != nil {
		s.getMany(keys)
	}
	found := make(map[webhook.Key]webhook.Webhook)
	for _, key := range keys {
		if s.unreadable[key] == nil {
			found[key] = s.webhook
		}
	}
	return found, s.unreadable
}

func (s *webhooksStub) Disable(_ context.Context, key webhook.Key, revision int64, _ time.Time) (bool, error) {
	if s.disable != nil {
		return s.disable(key, revision)
	}
	return true, nil
}

// noSlots panics when slots are reserved: a webhook without a limit needs none.
type noSlots struct{}

func (noSlots) ReserveSlots(context.Context, webhook.Webhook, int, time.Time) (webhook.Slots, error) {
	panic("slots are reserved")
}

// allOf returns n times err.
func allOf(n int, err error) []error {
	failures := make([]error, n)
	for i := range failures {
		failures[i] = err
	}
	return failures
}

// logOf makes d write its log lines to the returned lines.
func logOf(d *dispatch.Dispatcher) *lines {
	log := new(lines)
	d.Log = slog.New(slog.NewJSONHandler(log, nil))
	return log
}

// refuse accepts none of the items.
func refuse[Item any](_ context.Context, items []Item) []error { return allOf(len(items), errBroken) }

// refuseFirst returns a queue that accepts nothing of its first call, and passes the
// others to next.
func refuseFirst(next inbound.Queue) queueFunc {
	calls := 0
	return func(ctx context.Context, messages []queue.Message) []error {
		if calls++; calls == 1 {
			return refuse(ctx, messages)
		}
		return next.Send(ctx, messages)
	}
}

// letter is a message of the dead-letter queue.
type letter struct {
	Body    string
	Reason  deadletter.Reason
	EventID string
}

// letters receives up to ten dead letters.
func (b *bundle) letters(t *testing.T) []letter {
	t.Helper()
	out, err := sqs.NewFromConfig(cloudtest.Config(t)).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &b.deadLetters, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var list []letter
	for _, m := range out.Messages {
		if text(m.MessageAttributes["detail"]) == "" {
			t.Error("a dead letter has no detail")
		}
		list = append(list, letter{*m.Body, deadletter.Reason(text(m.MessageAttributes["reason"])), text(m.MessageAttributes["event_id"])})
	}
	return list
}

func text(value types.MessageAttributeValue) string {
	if value.StringValue == nil {
		return ""
	}
	return *value.StringValue
}

// rows returns the rows of the retries table that are due in the minute of due.
func (b *bundle) rows(t *testing.T, due time.Time) []delivery.Delivery {
	t.Helper()
	var list []delivery.Delivery
	for shard := range retrydb.Shards {
		rows, _, unreadable, err := b.retries.List(t.Context(), retrydb.MinuteOf(due), shard, "")
		if err != nil || unreadable != nil {
			t.Fatal(err, unreadable)
		}
		for _, row := range rows {
			list = append(list, row.Delivery)
		}
	}
	return list
}

// stubbed returns a dispatcher without a cloud: every attempt has the given result,
// and every write succeeds.
func stubbed(t testing.TB, result attempt.Result) *dispatch.Dispatcher {
	t.Helper()
	return dispatch.New(dispatch.Config{
		Consumer: inbound.Consumer{
			Log: slog.New(slog.DiscardHandler), DeadLetters: counting(new(int)), MaxReceiveCount: maxReceiveCount,
		},
		Webhooks: &webhooksStub{webhook: webhooktest.Webhook(tenant, func(w *webhook.Webhook) { w.ID, w.Revision = 1, 1 })},
		Logs:     logsFunc(func(context.Context, []attemptlog.Log) ([]attemptlog.Log, error) { return nil, nil }),
		Sender:   senderFunc(func(context.Context, attempt.Request) attempt.Result { return result }),
		Queue:    counting(new(int)), Retries: storing(new(int)),
		SlowQueue: counting(new(int)), SlowQueueARN: slowARN, Health: new(healthStub), Slots: noSlots{},
		Source: new(sourceStub), SlowSource: new(sourceStub), Visibility: visibility, Sleep: dispatch.Sleep, Random: func() float64 { return 0.5 },
		Schedule: schedule(t), Kept: retention, Now: time.Now,
	})
}

func counting(queued *int) queueFunc {
	return func(_ context.Context, messages []queue.Message) []error {
		*queued += len(messages)
		return allOf(len(messages), nil)
	}
}

func storing(stored *int) retriesFunc {
	return func(_ context.Context, deliveries []delivery.Delivery) []error {
		*stored += len(deliveries)
		return allOf(len(deliveries), nil)
	}
}

// one returns the first attempt of event n to webhook 1.
func one(n int) delivery.Delivery {
	w := webhooktest.Webhook(tenant, func(w *webhook.Webhook) { w.ID = 1 })
	return (&bundle{now: start}).to(w, n)
}
