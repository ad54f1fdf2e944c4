package stored_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"webhooks/shared/attemptlog"
	"webhooks/shared/auth"
	"webhooks/shared/auth/apikey"
	"webhooks/shared/auth/jwks"
	"webhooks/shared/aws/dynamo"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/retrydb"
	"webhooks/shared/event"
)

func newLog(id int64) attemptlog.Log {
	return attemptlog.Log{
		TenantID: "acme", WebhookID: 1, ID: id, EventID: "evt_1", EventType: event.TrainingFailed,
		Trigger: attemptlog.Retry, Attempt: 2, Outcome: attemptlog.Retrying,
		Timing:     attemptlog.Timing{DNS: time.Millisecond, Connect: 2 * time.Millisecond, TLS: 3 * time.Millisecond, FirstByte: 110 * time.Millisecond, Reused: true},
		StatusCode: 503, ResponseTime: 125 * time.Millisecond, ResponseBody: "later", Truncated: true, Failure: "status",
		NextAttemptAt: now.Add(time.Hour), CreatedAt: now,
	}
}

func logForms() []itemForm {
	appendLogs := func(ctx context.Context, c *cloud, logs ...attemptlog.Log) error {
		_, err := c.logs().Append(ctx, attemptlog.Chunks(logs))
		return err
	}
	appendOne := func(ctx context.Context, c *cloud) error { return appendLogs(ctx, c, newLog(0)) }
	// deflatable is twenty logs, which are deflated.
	deflatable := func(ctx context.Context, c *cloud) error {
		return appendLogs(ctx, c, slices.Repeat([]attemptlog.Log{newLog(0)}, 20)...)
	}
	readCounter := func(ctx context.Context, c *cloud) (any, error) {
		if err := appendOne(ctx, c); err != nil {
			return nil, err
		}
		return c.logs().Get(ctx, key, 2, now)
	}
	return []itemForm{
		{
			name: "logs", table: "LogsTable", at: dynamo.Item{"log_bucket": s("acme#1#c0"), "log_id": n("1")},
			write: appendOne,
			read:  func(ctx context.Context, c *cloud) (any, error) { return c.logs().Get(ctx, key, 1, now) },
			want:  newLog(1),
		},
		{
			name: "logs-deflated", table: "LogsTable", at: dynamo.Item{"log_bucket": s("acme#1#c0"), "log_id": n("1")},
			write: deflatable,
			read:  func(ctx context.Context, c *cloud) (any, error) { return c.logs().Get(ctx, key, 20, now) },
			want:  newLog(20),
		},
		{
			name: "problem-logs", table: "LogsTable", at: dynamo.Item{"log_bucket": s("acme#1#p0"), "log_id": n("1")},
			write: appendOne,
			read:  readItem("acme#1#p0", "1"),
			want:  []attemptlog.Log{newLog(1)},
		},
		{
			name: "log-of-event", table: "LogsTable", at: dynamo.Item{"log_bucket": s("acme#e#evt_1"), "log_id": n("10000000000000000001")},
			write: appendOne,
			read:  readItem("acme#e#evt_1", "10000000000000000001"),
			want:  []attemptlog.Log{newLog(1)},
		},
		{
			name: "log-counter", table: "LogsTable", at: dynamo.Item{"log_bucket": s("acme#1"), "log_id": n("0")},
			write: appendOne,
			read:  readCounter,
			want:  newLog(2),
		},
		{
			name: "log-counter-of-deleted-webhook", table: "LogsTable", at: dynamo.Item{"log_bucket": s("acme#1"), "log_id": n("0")},
			write: func(ctx context.Context, c *cloud) error {
				return errors.Join(appendOne(ctx, c), c.logs().Forget(ctx, key, true, now))
			},
			read: readCounter,
			want: newLog(2),
		},
	}
}

// readItem returns the logs of an item that names the id of each log. No route reads such
// an item yet.
func readItem(bucket, sort string) func(context.Context, *cloud) (any, error) {
	return func(_ context.Context, c *cloud) (any, error) {
		var stored struct {
			Format int    `dynamodbav:"format"`
			From   int64  `dynamodbav:"from"`
			Logs   []byte `dynamodbav:"logs"`
		}
		err := attributevalue.UnmarshalMap(c.get(c.t, "LogsTable", dynamo.Item{"log_bucket": s(bucket), "log_id": n(sort)}), &stored)
		if err != nil || stored.Format != attemptlog.Format {
			return nil, fmt.Errorf("format %d: %w", stored.Format, err)
		}
		return attemptlog.DecodeLogs(stored.Logs, key, 0, time.UnixMilli(stored.From))
	}
}

func retryForms() []itemForm {
	waiting := waitingDelivery()
	minute := retrydb.MinuteOf(waiting.Due)
	return []itemForm{
		{
			name: "retry", table: "RetriesTable", at: dynamo.Item{"due": s("29490780#0"), "id": s("acme#evt_1#1#4")},
			write: func(ctx context.Context, c *cloud) error {
				return errors.Join(c.retries().PutMany(ctx, []delivery.Delivery{waiting}, now)...)
			},
			read: func(ctx context.Context, c *cloud) (any, error) {
				for shard := range retrydb.Shards {
					rows, _, unreadable, err := c.retries().List(ctx, minute, shard, "")
					if err = errors.Join(err, unreadable); err != nil {
						return nil, err
					}
					if len(rows) > 0 {
						return rows[0].Delivery, nil
					}
				}
				return nil, errors.New("there is no row")
			},
			want: waiting,
		},
		{
			name: "cursor", table: "RetriesTable", at: dynamo.Item{"due": s("cursor"), "id": s("cursor")},
			write: func(ctx context.Context, c *cloud) error { return c.retries().Advance(ctx, minute) },
			read: func(ctx context.Context, c *cloud) (any, error) {
				got, _, err := c.retries().Cursor(ctx)
				return got, err
			},
			want: minute,
		},
	}
}

func keyForms() []itemForm {
	apiKey := apikey.Key{
		ID: "abcdefghijklmnop", TenantID: "acme", Scopes: []auth.Scope{auth.WebhooksRead, auth.LogsRead}, Hash: sha256.Sum256([]byte("secret part")),
		LastFour: "wxyz", CreatedAt: now, ChangedAt: now, ExpiresAt: now.Add(24 * time.Hour),
	}
	record := jwks.Record{JWKS: []byte(`{"keys":[]}`), FetchedAt: now, TriedAt: now}
	return []itemForm{
		{
			name: "api-key", table: "KeysTable", at: dynamo.Item{"key_id": s(apiKey.ID)},
			write: func(ctx context.Context, c *cloud) error { return c.keys().Create(ctx, apiKey) },
			read:  func(ctx context.Context, c *cloud) (any, error) { return c.keys().Get(ctx, apiKey.ID) },
			want:  apiKey,
		},
		{
			name: "jwks", table: "KeysTable", at: dynamo.Item{"key_id": s("jwks#f9edc34918cd68778a3a445c62d85d0fa9ef8150415f78be855d2442a1660a59")},
			write: func(ctx context.Context, c *cloud) error {
				_, err := c.jwks().Claim(ctx, now, now)
				return errors.Join(err, c.jwks().Put(ctx, record.JWKS, now))
			},
			read: func(ctx context.Context, c *cloud) (any, error) { return c.jwks().Get(ctx) },
			want: record,
		},
	}
}
