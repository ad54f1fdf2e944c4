package e2e_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	burstEvents   = 500
	burstWebhooks = 10
)

// TestBurstLosesNothing sends 500 events at once to 10 webhooks. It does not run
// in parallel: its 5,000 deliveries would delay those of every other test.
func TestBurstLosesNothing(t *testing.T) {
	c, r := setup(t), newReceiver(t, ok)
	var webhooks []created
	for i := range burstWebhooks {
		webhooks = append(webhooks, c.webhook(r.URL+"/"+strconv.Itoa(i), "environment.created"))
	}
	var events []string
	for i := range burstEvents {
		events = append(events, c.event("evt-"+strconv.Itoa(i), strconv.Itoa(i)))
	}
	publishAll(t, events)

	got := make(map[string]map[string]int) // deliveries by path and event id
	for range burstEvents * burstWebhooks {
		delivery := r.next(t)
		if got[delivery.Path] == nil {
			got[delivery.Path] = make(map[string]int)
		}
		got[delivery.Path][delivery.ID()]++
	}
	once := make(map[string]int)
	for i := range burstEvents {
		once["evt-"+strconv.Itoa(i)] = 1
	}
	for i := range burstWebhooks {
		if diff := cmp.Diff(once, got["/webhook/"+strconv.Itoa(i)]); diff != "" {
			t.Errorf("deliveries to webhook %d (-want +got):\n%s", i, diff)
		}
	}
	for _, w := range webhooks {
		c.checkBurstLogs(t, w.ID)
	}
	r.gotNothing(t)
}

// checkBurstLogs reads all log pages of a webhook. Every event has one log, and the
// ids have no gap.
func (c *tenant) checkBurstLogs(t *testing.T, id int64) {
	t.Helper()
	eventually(t, func() string {
		if page := c.logs(id, "?page_size=1"); page.Pagination.Total < burstEvents {
			return fmt.Sprintf("webhook %d has %d of %d logs", id, page.Pagination.Total, burstEvents)
		}
		return ""
	})
	next, seen := int64(burstEvents), make(map[string]bool)
	for number := 1; number <= 5; number++ {
		page := c.logs(id, fmt.Sprintf("?page=%d&page_size=100", number))
		if want := (pagination{number, 100, burstEvents, 5}); page.Pagination != want || len(page.Items) != 100 {
			t.Errorf("webhook %d, page %d: %d logs, %+v, want 100, %+v", id, number, len(page.Items), page.Pagination, want)
		}
		for _, log := range page.Items {
			if log.LogID != next || log.Outcome != "delivered" || log.Attempt != 1 || seen[log.EventID] {
				t.Errorf("webhook %d: log = %+v, want id %d, delivered at the first attempt, of another event", id, log, next)
			}
			next--
			seen[log.EventID] = true
		}
	}
	if len(seen) != burstEvents {
		t.Errorf("webhook %d has logs of %d events, want %d", id, len(seen), burstEvents)
	}
}
