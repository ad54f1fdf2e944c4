package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"webhooks/shared/aws/queue"
	"webhooks/shared/event"
	"webhooks/shared/event/limitdb"
	"webhooks/shared/httpapi"
)

// unread is a table of events in which DynamoDB leaves some ids unread.
type unread map[string]error

func (u unread) GetHashes(_ context.Context, keys []event.Key, _ time.Time) (map[event.Key]event.Hash, map[event.Key]error) {
	failed := make(map[event.Key]error)
	for _, key := range keys {
		if err := u[key.ID]; err != nil {
			failed[key] = err
		}
	}
	return nil, failed
}

func TestAnUnreadKeyRefusesOnlyItsEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	h := handler{events: unread{"b": errors.New("left unprocessed")}, limit: limitdb.New(nil, "", event.Limit{}), queue: queue.New(b.queue, b.url), now: time.Now}
	b.function = httpapi.New(slog.New(slog.DiscardHandler), h.route())
	response := b.publish(t, `{"events":[{"id":"a","type":"alert.resolved","data":1},{"id":"b","type":"alert.resolved","data":1},{"id":"c","type":"alert.resolved","data":1}]}`)
	if response.Status != 202 || !strings.Contains(response.Body, `"accepted":2`) || !strings.Contains(response.Body, `{"id":"b","error":{"code":50301,`) {
		t.Errorf("response = %d %s, want 50301 for b", response.Status, response.Body)
	}
	if n := len(b.queued(t)); n != 2 {
		t.Errorf("%d events queued, want 2", n)
	}
}
