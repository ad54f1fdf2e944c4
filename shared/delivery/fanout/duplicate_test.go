package fanout_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/deadletter"
	"webhooks/shared/delivery"
)

func TestHandleDuplicates(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.subscribe(t, tenant)
	m := message("m1", created(tenant, "e1", `1`))
	copied := message("m2", m.Body)
	want := []delivery.Delivery{createdDelivery(t, tenant, "e1", `1`, id)}
	if got := b.handle(t, m, copied, m); len(got) > 0 {
		t.Errorf("failed: %v", got)
	}
	if diff := cmp.Diff(want, b.queued(t)); diff != "" {
		t.Errorf("deliveries of one batch (-want +got):\n%s", diff)
	}
	if got := b.handle(t, received(m, 2), message("m3", m.Body)); len(got) > 0 {
		t.Errorf("failed: %v", got)
	}
	// White space between members does not change the event.
	b.handle(t, message("m4", strings.Replace(m.Body, `"id":`, ` "id" :  `, 1)))
	if got := b.queued(t); len(got) > 0 {
		t.Errorf("deliveries of later batches = %v", got)
	}
	b.wantLetters(t)
}

// An id is free after the retention, although DynamoDB deletes its row later.
func TestHandleAnExpiredID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.subscribe(t, tenant)
	b.handle(t, message("m1", created(tenant, "e1", `1`)))
	b.queued(t)
	b.Now = func() time.Time { return now.Add(retention) }
	if got := b.handle(t, message("m2", created(tenant, "e1", `2`))); len(got) > 0 {
		t.Errorf("failed: %v", got)
	}
	if diff := cmp.Diff([]delivery.Delivery{createdDelivery(t, tenant, "e1", `2`, id)}, b.queued(t)); diff != "" {
		t.Errorf("deliveries (-want +got):\n%s", diff)
	}
	b.wantLetters(t)
}

// Duplicates in a batch fail with their original: each of them is another chance for
// the event to be received.
func TestHandleDuplicatesOfAFailedEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.subscribe(t, tenant)
	b.faults.set(fail(store, 1, false))
	m, copied := message("m1", created(tenant, "e1", `1`)), message("m2", created(tenant, "e1", `1`))
	if diff := cmp.Diff([]string{"m1", "m2"}, b.handle(t, m, copied)); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
	b.faults.set(nil)
	if got := b.handle(t, received(m, 2), received(copied, 2)); len(got) > 0 {
		t.Errorf("failed again: %v", got)
	}
}

// race handles two messages at the same time: both are read before either is
// stored.
func (b bundle) race(t *testing.T, first, second events.SQSMessage) {
	t.Helper()
	var both, done sync.WaitGroup
	both.Add(2)
	b.faults.set(func(c call) (any, error) {
		if c.purpose == store {
			both.Done()
			both.Wait()
		}
		return c.Make()
	})
	for _, m := range []events.SQSMessage{first, second} {
		done.Go(func() {
			if got := b.handle(t, m); len(got) > 0 {
				t.Errorf("failed: %v", got)
			}
		})
	}
	done.Wait()
	b.faults.set(nil)
}

func TestHandleOneMessageTwiceConcurrently(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.subscribe(t, tenant)
	m := message("m1", created(tenant, "e1", `1`))
	b.race(t, m, received(m, 2))
	// Receivers recognise the duplicate by its webhook-id.
	want := createdDelivery(t, tenant, "e1", `1`, id)
	if diff := cmp.Diff([]delivery.Delivery{want, want}, b.queued(t)); diff != "" {
		t.Errorf("deliveries (-want +got):\n%s", diff)
	}
	b.wantLetters(t)
	b.wantStored(t, want)
}

// Two events with the same id are handled at the same time, and the deliveries of
// both are queued. Each delivery must find its own body for days, and the event
// that is stored second becomes a dead letter.
func TestHandleConcurrentConflict(t *testing.T) {
	t.Parallel()
	for name, data := range map[string][2]string{
		"embedded bodies": {`1`, `2`},
		"large bodies":    {`"` + strings.Repeat("1", 40_000) + `"`, `"` + strings.Repeat("2", 40_000) + `"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.subscribe(t, tenant)
			b.race(t, message("m1", created(tenant, "e1", data[0])), message("m2", created(tenant, "e1", data[1])))
			got := b.queued(t)
			if len(got) != 2 || got[0].Hash == got[1].Hash {
				t.Fatalf("%d deliveries, want one for each event", len(got))
			}
			b.wantBodies(t, got, created(tenant, "e1", data[0]), created(tenant, "e1", data[1]))
			letters := b.letters(t)
			if len(letters) != 1 || letters[0].Reason != deadletter.Conflict {
				t.Fatalf("%d dead letters, want one conflict", len(letters))
			}
		})
	}
}

// wantBodies checks that the table has the body of each delivery's own event, which
// is one of messages.
func (b bundle) wantBodies(t *testing.T, deliveries []delivery.Delivery, messages ...string) {
	t.Helper()
	for _, d := range deliveries {
		body, err := b.events.GetBody(t.Context(), d.Event, d.Hash)
		if err != nil {
			t.Errorf("body of a delivery: %v", err)
			continue
		}
		found := false
		for _, m := range messages {
			e := decode(t, m)
			found = found || e.Hash() == d.Hash && string(e.Body()) == string(body)
		}
		if !found {
			t.Errorf("a delivery finds the %d-byte body of another event", len(body))
		}
	}
}

// After a crash between sending and storing, another event may take the id of the
// queued deliveries. Their retries still need the body.
func TestHandleConflictAfterACrash(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.subscribe(t, tenant)
	lost, winner := message("m1", created(tenant, "e1", `1`)), message("m2", created(tenant, "e1", `2`))
	b.faults.set(fail(store, 1, false))
	b.handle(t, lost)
	b.faults.set(nil)
	b.handle(t, winner)
	// Then putting the body fails once, and sending the dead letter fails once.
	for n, purpose := range []string{put, letter, ""} {
		b.faults.set(fail(purpose, 1, false))
		if got := b.handle(t, received(lost, n+2)); len(got) > 0 != (purpose != "") {
			t.Errorf("when %q fails: failed messages %v", purpose, got)
		}
	}
	got := b.queued(t)
	if len(got) != 2 {
		t.Fatalf("%d deliveries, want one for each event", len(got))
	}
	b.wantBodies(t, got, lost.Body, winner.Body)
	b.wantLetters(t, deadLetter{Body: lost.Body, Reason: deadletter.Conflict, EventID: "e1"})
}
