package eventdb_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/event"
	"webhooks/shared/event/eventdb"
)

// bodyRow returns the key of the row that holds only the body of e.
func bodyRow(e event.Event) string {
	return fmt.Sprintf("%s#%s#%x", e.TenantID, e.ID, e.Hash())
}

func (b bundle) wantBody(t *testing.T, e event.Event) {
	t.Helper()
	body, err := b.GetBody(t.Context(), e.Key(), e.Hash())
	if err != nil {
		t.Fatal(err)
	}
	// The bodies are too long to print.
	if string(body) != string(e.Body()) {
		t.Errorf("GetBody returns %d bytes that differ from the %d bytes stored", len(body), len(e.Body()))
	}
}

func TestGetBody(t *testing.T) {
	t.Parallel()
	const around = len(`{"type":"environment.created","timestamp":"2026-01-26T10:00:00Z","data":}`)
	tests := []struct {
		name, data string
		own        bool // the body has a row of its own
	}{
		{name: "smallest", data: `0`},
		{name: "white space, escapes and long numbers", data: "{ \"z\" :\t1.0000000000000000000001,\n\"a\":\"\\u00e9\\/\" }"},
		{name: "characters of four bytes", data: `"😀"`},
		{name: "some units, compressible", data: compressible(8 << 10)},
		{name: "some units, incompressible", data: incompressible(8 << 10)},
		{name: "largest inline", data: incompressible(eventdb.InlineBody - around)},
		{name: "one byte more", data: incompressible(eventdb.InlineBody - around + 1), own: true},
		{name: "largest, compressible", data: compressible(event.MaxData), own: true},
		{name: "largest, incompressible", data: incompressible(event.MaxData), own: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			e := newEvent(t, "acme", "e1", tt.data)
			if tt.own {
				if err := b.PutBody(t.Context(), e, now); err != nil {
					t.Fatal(err)
				}
				b.wantBody(t, e) // the first delivery may run before the event is stored
			}
			b.store(t, e, 1)
			b.wantBody(t, e)
			if _, inline := b.item(t, "acme#e1")["body"].(*types.AttributeValueMemberB); inline == tt.own {
				t.Errorf("the event's row holds the body: %v", inline)
			}
		})
	}
}

func TestGetBodyNotFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e := newEvent(t, "acme", "e1", `1`)
	large := newEvent(t, "acme", "large", compressible(eventdb.InlineBody)) // stored without its body
	b.store(t, e)
	b.store(t, large)
	for name, wanted := range map[string]event.Event{
		"unknown id":       newEvent(t, "acme", "e2", `1`),
		"another hash":     newEvent(t, "acme", "e1", `2`),
		"another tenant":   newEvent(t, "globex", "e1", `1`),
		"body never put":   large,
		"empty event name": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if body, err := b.GetBody(t.Context(), wanted.Key(), wanted.Hash()); !errors.Is(err, eventdb.ErrNotFound) {
				t.Errorf("GetBody = %q, %v, want ErrNotFound", body, err)
			}
		})
	}
}

// Deliveries of two events with the same id may both be in flight for days.
func TestGetBodyAfterAConflict(t *testing.T) {
	t.Parallel()
	for name, data := range map[string][2]string{
		"inline": {`1`, `2`},
		"large":  {incompressible(100_000), incompressible(100_001)},
		"mixed":  {`1`, compressible(100_000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			winner, loser := newEvent(t, "acme", "e1", data[0]), newEvent(t, "acme", "e1", data[1])
			for _, e := range []event.Event{winner, loser} {
				if err := b.PutBody(t.Context(), e, now); err != nil {
					t.Fatal(err)
				}
			}
			b.store(t, winner, 1)
			if err := b.Store.Create(t.Context(), loser, []int64{1}, now); !errors.Is(err, eventdb.ErrConflict) {
				t.Fatalf("Create = %v, want a conflict", err)
			}
			b.wantBody(t, winner)
			b.wantBody(t, loser)
		})
	}
}

func TestGetBodyReturnsErrors(t *testing.T) {
	t.Parallel()
	b, down := setup(t), errors.New("down")
	b.faults.Fail("GetItem", down)
	if _, err := b.GetBody(t.Context(), event.Key{TenantID: "acme", ID: "e1"}, event.Hash{}); !errors.Is(err, down) || errors.Is(err, eventdb.ErrNotFound) {
		t.Errorf("error = %v, want the read error: the dispatcher gives up a body that is not found", err)
	}
}
