package eventdb_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webhooks/shared/event"
	"webhooks/shared/event/eventdb"
)

func TestGetHashes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stored, foreign := newEvent(t, "acme", "e1", `1`), newEvent(t, "globex", "e2", `2`)
	large := newEvent(t, "acme", "large", compressible(eventdb.InlineBody))
	b.store(t, stored, 1)
	b.store(t, foreign)
	b.store(t, large, 1)
	tests := []struct {
		name string
		keys []event.Key
		want map[event.Key]event.Hash
	}{
		{name: "nothing", want: map[event.Key]event.Hash{}},
		{name: "a stored event", keys: []event.Key{stored.Key()}, want: map[event.Key]event.Hash{stored.Key(): stored.Hash()}},
		{name: "an event whose body has its own row", keys: []event.Key{large.Key()}, want: map[event.Key]event.Hash{large.Key(): large.Hash()}},
		{name: "an id of another tenant", keys: []event.Key{{TenantID: "acme", ID: "e2"}}, want: map[event.Key]event.Hash{}},
		{
			name: "a key twice, and an unknown key",
			keys: []event.Key{stored.Key(), {TenantID: "acme", ID: "new"}, stored.Key(), foreign.Key()},
			want: map[event.Key]event.Hash{stored.Key(): stored.Hash(), foreign.Key(): foreign.Hash()},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := b.GetHashes(t.Context(), tt.keys, now)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("hashes (-want +got):\n%s", diff)
			}
		})
	}
}

// An id is free as soon as its row expires, although DynamoDB deletes the row up to
// days later.
func TestGetHashesSkipsExpiredEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e := newEvent(t, "acme", "e1", `1`)
	b.store(t, e)
	end := now.Add(retention).Truncate(time.Second)
	for at, want := range map[time.Time]int{end.Add(-time.Second): 1, end: 0, end.Add(time.Hour): 0} {
		if got, err := b.GetHashes(t.Context(), []event.Key{e.Key()}, at); err != nil || len(got) != want {
			t.Errorf("%s after the expiry: %d hashes, %v, want %d", at.Sub(end), len(got), err, want)
		}
	}
}

func TestGetHashesReturnsErrors(t *testing.T) {
	t.Parallel()
	b, down := setup(t), errors.New("down")
	b.faults.Fail("BatchGetItem", down)
	if got, err := b.GetHashes(t.Context(), []event.Key{{TenantID: "acme", ID: "e1"}}, now); !errors.Is(err, down) || got != nil {
		t.Errorf("GetHashes = %v, %v", got, err)
	}
}
