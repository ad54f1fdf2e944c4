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
	// Another spelling of the same members is the same event.
	b.handle(t, message("m4", strings.Replace(m.Body, `"id":`, ` "id" :  `, 1)))
	if got := b.queued(t); len(got) > 0 {
		t.Errorf("deliveries of later batches = %v", got)
	}
	b.wantSetAside(t)
}

// After the retention an id is free, although DynamoDB deletes its row late.
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
	b.wantSetAside(t)
}

// Copies in one batch share the fate of the first: if that one failed, deleting
// them would leave one receive less for the event.
func TestHandleDuplicatesOfAFailure(t *testing.T) {
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

// race lets two functions pass their reads before either stores.
func (b bundle) race(t *testing.T, first, second events.SQSMessage) {
	t.Helper()
	var both, done sync.WaitGroup
	both.Add(2)
	b.faults.set(func(c call) (any, error) {
		if c.what == store {
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

func TestHandleOneMessageTwiceAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.subscribe(t, tenant)
	m := message("m1", created(tenant, "e1", `1`))
	b.race(t, m, received(m, 2))
	// Both are told apart from other events by nothing: receivers see one id.
	want := createdDelivery(t, tenant, "e1", `1`, id)
	if diff := cmp.Diff([]delivery.Delivery{want, want}, b.queued(t)); diff != "" {
		t.Errorf("deliveries (-want +got):\n%s", diff)
	}
	b.wantSetAside(t)
	b.wantKnown(t, want)
}

// Two events under one id at once: the deliveries of both are queued, so each
// must find its own body for days, and the loser is reported.
func TestHandleConflictAtOnce(t *testing.T) {
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
				t.Fatalf("%d deliveries, want one of each event", len(got))
			}
			b.wantBodies(t, got, created(tenant, "e1", data[0]), created(tenant, "e1", data[1]))
			letters := b.setAside(t)
			if len(letters) != 1 || letters[0].Reason != deadletter.Conflict {
				t.Fatalf("%d dead letters, want the loser", len(letters))
			}
		})
	}
}

// wantBodies checks that each delivery finds the body of its own event, one of
// those in messages, in the table.
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
			t.Errorf("a delivery found a body of %d bytes that is not its event's", len(body))
		}
	}
}

// A crash between sending and storing leaves deliveries behind whose id another
// event then takes: their retries need the body all the same.
func TestHandleConflictAfterACrash(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.subscribe(t, tenant)
	lost, winner := message("m1", created(tenant, "e1", `1`)), message("m2", created(tenant, "e1", `2`))
	b.faults.set(fail(store, 1, false))
	b.handle(t, lost)
	b.faults.set(nil)
	b.handle(t, winner)
	// The first try to save the body fails too, and so does that to report it.
	for n, what := range []string{put, letter, ""} {
		b.faults.set(fail(what, 1, false))
		if got := b.handle(t, received(lost, n+2)); len(got) > 0 != (what != "") {
			t.Errorf("%s fails: %v to be received again", what, got)
		}
	}
	got := b.queued(t)
	if len(got) != 2 {
		t.Fatalf("%d deliveries, want one of each event", len(got))
	}
	b.wantBodies(t, got, lost.Body, winner.Body)
	b.wantSetAside(t, deadLetter{Body: lost.Body, Reason: deadletter.Conflict, EventID: "e1"})
}
