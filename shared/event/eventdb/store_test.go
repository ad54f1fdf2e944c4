package eventdb_test

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/event"
	"webhooks/shared/event/eventdb"
)

func TestCreate(t *testing.T) {
	t.Parallel()
	first, other := newEvent(t, "acme", "e1", `1`), newEvent(t, "acme", "e1", `2`)
	tests := []struct {
		name  string
		then  event.Event
		after time.Duration
		want  error
		kept  event.Event
	}{
		{name: "the same event again", then: first, kept: first},
		{name: "another event with its id", then: other, want: eventdb.ErrConflict, kept: first},
		{name: "another event one second before the expiry", then: other, after: retention - time.Second, want: eventdb.ErrConflict, kept: first},
		{name: "another event after the expiry", then: other, after: retention, kept: other},
		{name: "the same event after the expiry", then: first, after: retention, kept: first},
		{name: "another tenant's event", then: newEvent(t, "globex", "e1", `2`), kept: first},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.store(t, first, 1)
			at := now.Add(tt.after)
			if err := b.Store.Create(t.Context(), tt.then, []int64{2}, at); !errors.Is(err, tt.want) {
				t.Errorf("error = %v, want %v", err, tt.want)
			}
			known, failed := b.GetHashes(t.Context(), []event.Key{first.Key()}, at)
			if len(failed) > 0 || known[first.Key()] != tt.kept.Hash() {
				t.Errorf("hashes = %v, %v, want the hash of %s", known, failed, tt.kept.Data)
			}
			if body, err := b.GetBody(t.Context(), first.Key(), tt.kept.Hash()); err != nil || string(body) != string(tt.kept.Body()) {
				t.Errorf("body = %q, %v, want the body of %s", body, err, tt.kept.Data)
			}
		})
	}
}

// Storing the same event again changes neither the row's TTL nor its webhooks.
func TestCreateDoesNotChangeTheSameEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e := newEvent(t, "acme", "e1", `1`)
	b.store(t, e, 1, 2)
	before := b.item(t, "acme#e1")
	if err := b.Store.Create(t.Context(), e, []int64{3}, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ttl(before), ttl(b.item(t, "acme#e1"))); diff != "" {
		t.Errorf("ttl (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"1", "2"}, matched(b.item(t, "acme#e1"))); diff != "" {
		t.Errorf("webhooks (-want +got):\n%s", diff)
	}
}

// ttl returns the TTL of a row, in Unix seconds.
func ttl(item map[string]types.AttributeValue) string {
	n, _ := item["ttl"].(*types.AttributeValueMemberN)
	return n.Value
}

// matched returns the webhook ids of a row, sorted as strings.
func matched(item map[string]types.AttributeValue) []string {
	set, ok := item["webhooks"].(*types.AttributeValueMemberNS)
	if !ok {
		return nil
	}
	return slices.Sorted(slices.Values(set.Value))
}

func TestRowsExpireAfterTheRetention(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e := newEvent(t, "acme", "e1", compressible(eventdb.InlineBody))
	b.store(t, e)
	if err := b.PutBody(t.Context(), e, now); err != nil {
		t.Fatal(err)
	}
	want := strconv.FormatInt(now.Add(retention).Unix(), 10)
	for _, name := range []string{"acme#e1", bodyRow(e)} {
		if got := ttl(b.item(t, name)); got != want {
			t.Errorf("ttl of %s = %s, want %s", name, got, want)
		}
	}
}

func TestCreateWithManyMatches(t *testing.T) {
	t.Parallel()
	for name, matches := range map[string]int{"none": 0, "one": 1, "a full tenant": 1000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var webhooks []int64
			var want []string
			for i := range matches {
				// Ids keep growing when webhooks are deleted.
				webhooks = append(webhooks, 10_000_000+int64(i))
				want = append(want, strconv.Itoa(10_000_000+i))
			}
			e := newEvent(t, "acme", "e1", incompressible(eventdb.InlineBody-200))
			b.store(t, e, webhooks...)
			if diff := cmp.Diff(want, matched(b.item(t, "acme#e1"))); diff != "" {
				t.Errorf("webhooks (-want +got):\n%s", diff)
			}
			if body, err := b.GetBody(t.Context(), e.Key(), e.Hash()); err != nil || string(body) != string(e.Body()) {
				t.Errorf("GetBody returns %d bytes, %v, want %d", len(body), err, len(e.Body()))
			}
		})
	}
}

// Two functions may store an event with the same id at the same time. One of them
// wins, and the other gets a conflict only if its event is different.
func TestCreateRaces(t *testing.T) {
	t.Parallel()
	b := setup(t)
	events := []event.Event{newEvent(t, "acme", "e1", `1`), newEvent(t, "acme", "e1", `2`)}
	results := make([]error, 16)
	var all sync.WaitGroup
	for i := range results {
		all.Go(func() { results[i] = b.Store.Create(t.Context(), events[i%2], nil, now) })
	}
	all.Wait()
	known, failed := b.GetHashes(t.Context(), []event.Key{events[0].Key()}, now)
	if len(failed) > 0 {
		t.Fatal(failed)
	}
	for i, got := range results {
		var want error
		if known[events[0].Key()] != events[i%2].Hash() {
			want = eventdb.ErrConflict
		}
		if !errors.Is(got, want) {
			t.Errorf("Create %d: %v, want %v", i, got, want)
		}
	}
}

func TestWritesReturnErrors(t *testing.T) {
	t.Parallel()
	b, down := setup(t), errors.New("down")
	b.faults.Fail("PutItem", down)
	e := newEvent(t, "acme", "e1", `1`)
	if err := b.Store.Create(t.Context(), e, nil, now); !errors.Is(err, down) || errors.Is(err, eventdb.ErrConflict) {
		t.Errorf("Create: %v", err)
	}
	if err := b.PutBody(t.Context(), e, now); !errors.Is(err, down) {
		t.Errorf("PutBody: %v", err)
	}
}
