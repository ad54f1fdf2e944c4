package stored_test

import (
	"context"
	"encoding/hex"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/apperr"
	"webhooks/shared/aws/dynamo"
	"webhooks/shared/event"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/vault"
	"webhooks/shared/webhook/webhookdb"
)

// itemForm is an item of a table.
type itemForm struct {
	name, table string
	// at has the key of the item.
	at dynamo.Item
	// write stores the item with today's code, and read reads it.
	write func(context.Context, *cloud) error
	read  func(context.Context, *cloud) (any, error)
	want  any
	// varying matches bytes that differ from write to write.
	varying *regexp.Regexp
}

func TestItems(t *testing.T) {
	t.Parallel()
	for _, form := range itemForms() {
		t.Run(form.name, func(t *testing.T) {
			t.Parallel()
			today := newCloud(t)
			if err := form.write(t.Context(), today); err != nil {
				t.Fatal(err)
			}
			item := today.get(t, form.table, form.at)
			form.reads(t, "what today's code writes", item)
			for _, file := range goldens(t, form.name, text(t, item), form.withoutVarying) {
				form.reads(t, file.name, parse(t, file.text))
			}
		})
	}
}

func itemForms() []itemForm {
	return slices.Concat(webhookForms(), eventForms(), logForms(), retryForms(), keyForms())
}

func (f itemForm) withoutVarying(text string) string {
	if f.varying == nil {
		return text
	}
	return f.varying.ReplaceAllString(text, "${1}...")
}

// reads fails the test unless today's code reads an item as it should.
func (f itemForm) reads(t *testing.T, which string, item dynamo.Item) {
	t.Helper()
	c := newCloud(t)
	c.put(t, f.table, item)
	got, err := f.read(t.Context(), c)
	if diff := cmp.Diff(f.want, got); err != nil || diff != "" {
		t.Errorf("%s: %v; read (-want +got):\n%s", which, err, diff)
	}
}

var key = webhook.Key{TenantID: "acme", ID: 1}

func webhookForms() []itemForm {
	w := webhook.Webhook{
		TenantID: "acme", ID: 1, Name: "production", URL: "https://example.com/hooks", Secret: "whsec_bmV3IHNlY3JldCBvZiAyNCBieXRlcw==",
		PreviousSecrets: []webhook.PreviousSecret{{Secret: "your-secret-key", ExpiresAt: now.Add(25 * time.Hour)}},
		Events:          []event.Type{event.EnvironmentCreated, event.TrainingFailed}, Enabled: true, RateLimit: 2.5,
		NextSlot: now.Add(1200 * time.Millisecond), CreatedAt: now, UpdatedAt: now.Add(time.Hour), Revision: 2, Address: 1,
		Health: webhook.Health{
			SlowSince: now, SlowUntil: now.Add(webhook.SlowFor), Failures: webhook.OpenAfter, FailingSince: now,
			OpenSince: now.Add(time.Hour), OpenUntil: now.Add(time.Hour + webhook.ProbeEvery),
		},
	}
	create := func(ctx context.Context, c *cloud, keyARN string) error {
		store, new := c.webhooksUnder(keyARN), w
		new.Secret, new.PreviousSecrets, new.Health, new.NextSlot = "your-secret-key", nil, webhook.Health{}, time.Time{}
		if _, err := store.Create(ctx, new, now); err != nil {
			return err
		}
		_, err := store.Update(ctx, key, now.Add(time.Hour), func(old webhook.Webhook) (webhook.Webhook, error) {
			return webhook.Rotation{Secret: w.Secret, Overlap: webhook.SecretOverlap}.Apply(old, now.Add(time.Hour))
		})
		_, failing := store.AddFailures(ctx, new, webhook.OpenAfter, now)
		_, opening := store.OpenBreaker(ctx, new, now.Add(time.Hour))
		_, slow := store.MarkSlow(ctx, new, now)
		_, slowSeen := store.RecordSlow(ctx, new, now)
		_, pacing := store.ReserveSlots(ctx, new, 3, now)
		return errors.Join(err, failing, opening, slow, slowSeen, pacing)
	}
	read := func(ctx context.Context, c *cloud) (any, error) { return c.webhooks().GetWithSecrets(ctx, key, now) }
	return []itemForm{
		{
			name: "webhook", table: "WebhooksTable", at: dynamo.Item{"tenant_id": s("acme"), "webhook_id": n("1")},
			write:   func(ctx context.Context, c *cloud) error { return create(ctx, c, kmsKey) },
			read:    read,
			want:    w,
			varying: regexp.MustCompile(`(aes-256-gcm:)[A-Za-z0-9+/=]*`), // encrypted under a random nonce
		},
		{
			name: "webhook-unencrypted", table: "WebhooksTable", at: dynamo.Item{"tenant_id": s("acme"), "webhook_id": n("1")},
			write: func(ctx context.Context, c *cloud) error { return create(ctx, c, vault.Off) },
			read:  read,
			want:  w,
		},
		{
			name: "tenant", table: "WebhooksTable", at: dynamo.Item{"tenant_id": s("acme"), "webhook_id": n("0")},
			write: func(ctx context.Context, c *cloud) error { return create(ctx, c, vault.Off) },
			read:  readTenant,
			want:  tenant{Matched: []int64{1, 2}, NextID: 2},
		},
		{
			name: "data-key", table: "WebhooksTable", at: dynamo.Item{"tenant_id": s("acme"), "webhook_id": n("-1")},
			write: func(ctx context.Context, c *cloud) error { return create(ctx, c, kmsKey) },
			read: func(ctx context.Context, c *cloud) (any, error) {
				_, err := c.webhooks().Create(ctx, w, now)
				item := c.get(c.t, "WebhooksTable", dynamo.Item{"tenant_id": s("acme"), "webhook_id": n("1")})
				return toJSON(item["data_key"]), err
			},
			want: toJSON(&types.AttributeValueMemberB{Value: []byte("the encrypted data key of tenant acme")}),
		},
		{
			name: "webhooks-of-host", table: "WebhooksTable", at: dynamo.Item{"tenant_id": s("acme"), "webhook_id": n("-7556593488392613481")},
			write: func(ctx context.Context, c *cloud) error { return create(ctx, c, vault.Off) },
			read: func(ctx context.Context, c *cloud) (any, error) {
				_, err := c.webhooksUnder(kmsKey, webhookdb.WithHostLimit(1)).Create(ctx, w, now) // one is counted
				return apperr.From(err).Reason, nil
			},
			want: apperr.TooManyForHost,
		},
		{
			name: "test-lease", table: "WebhooksTable", at: dynamo.Item{"tenant_id": s("acme"), "webhook_id": n("-2")},
			write: func(ctx context.Context, c *cloud) error {
				_, err := c.webhooks().BeginTest(ctx, key, now)
				return err
			},
			read: func(ctx context.Context, c *cloud) (any, error) {
				_, same := c.webhooks().BeginTest(ctx, key, now)
				_, other := c.webhooks().BeginTest(ctx, webhook.Key{TenantID: "acme", ID: 2}, now)
				return []apperr.Reason{apperr.From(same).Reason, apperr.From(other).Reason}, nil
			},
			want:    []apperr.Reason{apperr.TestedTooOften, apperr.TestUnderWay},
			varying: regexp.MustCompile(`("token": \{"S":)"[^"]*"`), // random
		},
	}
}

// tenant is what item 0 of a tenant stores.
type tenant struct {
	Matched []int64 // the webhooks that match a type, including the next one
	NextID  int64
}

func readTenant(ctx context.Context, c *cloud) (any, error) {
	store := c.webhooks()
	next, err := store.Create(ctx, webhook.Webhook{TenantID: "acme", Enabled: true, Events: []event.Type{event.TrainingFailed}}, now)
	if err != nil {
		return nil, err
	}
	indexes, failed := store.ReadIndexes([]string{"acme"}, dynamo.BatchGet(ctx, c.db, dynamo.Backoff, store.IndexKeys([]string{"acme"})))
	return tenant{indexes["acme"].Match(event.TrainingFailed), next.ID}, failed["acme"]
}

func eventForms() []itemForm {
	small, large := newEvent("evt_1", `{"n":1.0}`), newEvent("evt_2", `"`+strings.Repeat("0123456789abcdef", 4096)+`"`)
	medium := newEvent("evt_3", `"`+strings.Repeat("x", 4096)+`"`)
	form := func(name string, e event.Event, body bool) itemForm {
		return itemForm{
			name: name, table: "EventsTable", at: dynamo.Item{"event": s("acme#" + e.ID)},
			write: func(ctx context.Context, c *cloud) error { return c.events().Create(ctx, e, []int64{1, 2}, now) },
			read: func(ctx context.Context, c *cloud) (any, error) {
				hashes, failed := c.events().GetHashes(ctx, []event.Key{e.Key()}, now)
				if err := failed[e.Key()]; err != nil || !body {
					return stored{hashes[e.Key()], ""}, err
				}
				text, err := c.events().GetBody(ctx, e.Key(), e.Hash())
				return stored{hashes[e.Key()], string(text)}, err
			},
			want: stored{e.Hash(), string(e.Body())},
		}
	}
	withoutBody := form("event-of-large-body", large, false)
	withoutBody.want = stored{Hash: large.Hash()}
	deflated := form("event-deflated", medium, true)
	deflated.varying = regexp.MustCompile(`("body": \{"B":)"[^"]*"`) // another compressor writes other bytes
	hash := large.Hash()
	return []itemForm{form("event", small, true), deflated, withoutBody, {
		name: "large-body", table: "EventsTable", at: dynamo.Item{"event": s("acme#evt_2#" + hex.EncodeToString(hash[:]))},
		write: func(ctx context.Context, c *cloud) error { return c.events().PutBody(ctx, large, now) },
		read: func(ctx context.Context, c *cloud) (any, error) {
			return body(c.events().GetBody(ctx, large.Key(), hash))
		},
		want:    string(large.Body()),
		varying: deflated.varying,
	}, {
		name: "publish-limit", table: "EventsTable", at: dynamo.Item{"event": s("#publish#acme")},
		write: func(ctx context.Context, c *cloud) error { return c.limits().Take(ctx, "acme", 30, now) },
		read: func(ctx context.Context, c *cloud) (any, error) {
			err := c.limits().Take(ctx, "acme", 11, now)
			return apperr.From(err).Reason, c.limits().Take(ctx, "acme", 10, now)
		},
		want:    apperr.PublishedTooFast,
		varying: regexp.MustCompile(`("token": \{"S":)"[^"]*"`), // random
	}}
}

// stored is what the events table stores about an event.
type stored struct {
	Hash event.Hash
	Body string
}

func body(text []byte, err error) (any, error) { return string(text), err }

func newEvent(id, data string) event.Event {
	return event.Event{ID: id, TenantID: "acme", Type: event.TrainingFailed, Timestamp: "2026-01-26T10:00:00Z", Data: []byte(data)}
}
