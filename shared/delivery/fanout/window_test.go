package fanout_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/aws/queue"
	"webhooks/shared/delivery"
	"webhooks/shared/delivery/fanout"
	"webhooks/shared/delivery/inbound"
	"webhooks/shared/event"
	"webhooks/shared/event/eventdb"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
)

// full is a Reader that returns a thousand webhooks for each tenant and no stored
// event.
type full struct{}

const fullTenant = 1000

func (full) Read(_ context.Context, tenantIDs []string, _ []event.Key, _ time.Time) fanout.Rows {
	indexes := make(map[string]webhook.Index)
	for _, tenantID := range tenantIDs {
		indexes[tenantID] = make(webhook.Index, fullTenant)
		for id := range int64(fullTenant) {
			indexes[tenantID][id+1] = webhooktest.Webhook(tenantID).Mask()
		}
	}
	return fanout.Rows{Indexes: indexes}
}

func TestHandleBurst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Tables = full{}
	if got := b.handle(t, message("m1", created(tenant, "e1", `1`))); len(got) > 0 {
		t.Fatalf("failed: %v", got)
	}
	got := b.queued(t)
	if len(got) != fullTenant {
		t.Fatalf("%d deliveries, want %d", len(got), fullTenant)
	}
	for i, d := range got {
		if want := createdDelivery(t, tenant, "e1", `1`, int64(i+1)); !cmp.Equal(want, d) {
			t.Fatalf("delivery %d (-want +got):\n%s", i, cmp.Diff(want, d))
		}
	}
	b.wantStored(t, got[0])
}

// stored is an events table that counts the events it stores.
type stored struct{ atomic.Int32 }

func (*stored) PutBody(context.Context, event.Event, time.Time) error { return nil }
func (s *stored) CreateMany(_ context.Context, list []eventdb.Matched, _ time.Time) (results []error, refused error) {
	s.Add(int32(len(list)))
	return make([]error, len(list)), nil
}

// sender is a queue that accepts everything.
type sender func(messages []queue.Message)

func (s sender) Send(_ context.Context, messages []queue.Message) []error {
	s(messages)
	return make([]error, len(messages))
}

// heaviest returns the largest batch: ten events with the largest embedded body.
func heaviest() events.SQSEvent {
	var batch events.SQSEvent
	for i := range 10 {
		id := fmt.Sprint("e", i)
		batch.Records = append(batch.Records, message(id, created(tenant, id, `"`+strings.Repeat("x", eventdb.InlineBody-100)+`"`)))
	}
	return batch
}

func heavy(table *stored, send sender) *fanout.Fanout {
	return &fanout.Fanout{
		Consumer: inbound.Consumer{Log: slog.New(slog.DiscardHandler), MaxReceiveCount: maxReceiveCount},
		Tables:   full{}, Events: table, Deliveries: send, Now: time.Now,
	}
}

// The messages of the largest batch together exceed the function's memory: the requests
// with them are several times as large.
func TestHandleBoundsItsMemory(t *testing.T) {
	t.Parallel()
	const most = 16 << 20 // one window
	var sent, largest int
	var table stored
	f := heavy(&table, func(messages []queue.Message) {
		size := 0
		for _, m := range messages {
			size += len(m.Body)
		}
		sent, largest = sent+len(messages), max(largest, size)
	})
	response, err := f.Handle(t.Context(), heaviest())
	if err != nil || len(response.BatchItemFailures) > 0 {
		t.Fatalf("Handle = %v, %v", response, err)
	}
	if want := 10 * fullTenant / delivery.MaxDeliveries; sent != want || largest > most || table.Load() != 10 {
		t.Errorf("%d messages of %d events, at most %d bytes in one send, want %d and %d", sent, table.Load(), largest, want, most)
	}
}

// The deliveries of an event to ten webhooks share a message, which has the body once.
func TestTenWebhooksOfAnEventShareAMessage(t *testing.T) {
	t.Parallel()
	var table stored
	var ids []int64
	f := heavy(&table, func(messages []queue.Message) {
		if want := fullTenant / delivery.MaxDeliveries; len(messages) != want {
			t.Errorf("%d messages, want %d", len(messages), want)
		}
		for _, m := range messages {
			content, err := delivery.Decode([]byte(m.Body))
			if err != nil || m.Group != tenant || strings.Count(m.Body, `"data":"once"`) != 1 {
				t.Fatalf("%v: a message of group %q: %s", err, m.Group, m.Body)
			}
			for _, d := range content.Deliveries {
				ids = append(ids, d.Webhook.ID)
				if want := createdDelivery(t, tenant, "e1", `"once"`, d.Webhook.ID); !cmp.Equal(want, d) {
					t.Fatalf("delivery (-want +got):\n%s", cmp.Diff(want, d))
				}
			}
		}
	})
	if _, err := f.Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{message("e1", created(tenant, "e1", `"once"`))}}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != fullTenant {
		t.Errorf("%d webhooks, want each of %d", len(ids), fullTenant)
	}
}

// Small events share a window, and so their requests.
func TestHandleSendsSmallEventsTogether(t *testing.T) {
	t.Parallel()
	sends := 0
	var table stored
	batch := events.SQSEvent{}
	for i := range 10 {
		id := fmt.Sprint("e", i)
		batch.Records = append(batch.Records, message(id, created(tenant, id, `1`)))
	}
	if _, err := heavy(&table, func([]queue.Message) { sends++ }).Handle(t.Context(), batch); err != nil || sends != 1 {
		t.Errorf("%d sends, %v, want 1", sends, err)
	}
}

// A function that times out repeats all of its sends and may time out again. So
// events for which no time is left fail at once.
func TestHandleStopsBeforeTheTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		var table stored
		f := heavy(&table, func([]queue.Message) { <-time.After(21 * time.Second) })
		response, err := f.Handle(ctx, heaviest())
		if err != nil || ctx.Err() != nil {
			t.Fatalf("Handle = %v after %v", err, ctx.Err())
		}
		// Five events fill a window. The second window would start with 9 s left.
		want := []string{"e5", "e6", "e7", "e8", "e9"}
		if diff := cmp.Diff(want, failed(response)); diff != "" || table.Load() != 5 {
			t.Errorf("%d events stored, failed (-want +got):\n%s", table.Load(), diff)
		}
	})
}
