package eventdb_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/event"
	"webhooks/shared/eventdb"
)

func TestKnown(t *testing.T) {
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
		{name: "one whose body is elsewhere", keys: []event.Key{large.Key()}, want: map[event.Key]event.Hash{large.Key(): large.Hash()}},
		{name: "another tenant's id", keys: []event.Key{{TenantID: "acme", ID: "e2"}}, want: map[event.Key]event.Hash{}},
		{
			name: "the same key twice, among unknown ones",
			keys: []event.Key{stored.Key(), {TenantID: "acme", ID: "new"}, stored.Key(), foreign.Key()},
			want: map[event.Key]event.Hash{stored.Key(): stored.Hash(), foreign.Key(): foreign.Hash()},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := b.Known(t.Context(), tt.keys, now)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("known (-want +got):\n%s", diff)
			}
		})
	}
}

// DynamoDB deletes an expired row up to days late: the id is free at once.
func TestKnownForgetsAtTheEndOfTheRetention(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e := newEvent(t, "acme", "e1", `1`)
	b.store(t, e)
	end := now.Add(retention).Truncate(time.Second)
	for at, want := range map[time.Time]int{end.Add(-time.Second): 1, end: 0, end.Add(time.Hour): 0} {
		if got, err := b.Known(t.Context(), []event.Key{e.Key()}, at); err != nil || len(got) != want {
			t.Errorf("%s from the end: %d known, %v, want %d", at.Sub(end), len(got), err, want)
		}
	}
}

func TestKnownReadsStronglyAndInBatches(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e := newEvent(t, "acme", "e104", `1`)
	b.store(t, e)
	var sizes []int
	b.faults.batch = func(in *dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error, bool) {
		sizes = append(sizes, len(in.RequestItems[b.table].Keys))
		if !aws.ToBool(in.RequestItems[b.table].ConsistentRead) {
			t.Error("the read is not strongly consistent")
		}
		return nil, nil, false
	}
	var keys []event.Key
	for i := range 105 {
		keys = append(keys, event.Key{TenantID: "acme", ID: fmt.Sprint("e", i)})
	}
	if got, err := b.Known(t.Context(), keys, now); err != nil || got[e.Key()] != e.Hash() {
		t.Errorf("Known = %v, %v", got, err)
	}
	if diff := cmp.Diff([]int{100, 5}, sizes); diff != "" {
		t.Errorf("keys of the reads (-want +got):\n%s", diff)
	}
}

// leave answers nothing and leaves the keys of in unread, but for their last n.
func leave(in *dynamodb.BatchGetItemInput, table string, n int) *dynamodb.BatchGetItemOutput {
	unread := in.RequestItems[table]
	unread.Keys = unread.Keys[:len(unread.Keys)-n]
	return &dynamodb.BatchGetItemOutput{UnprocessedKeys: map[string]types.KeysAndAttributes{table: unread}}
}

func TestKnownAsksAgainForWhatWasLeftUnread(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e1, e2 := newEvent(t, "acme", "e1", `1`), newEvent(t, "acme", "e2", `2`)
	b.store(t, e1)
	b.store(t, e2)
	calls := 0
	b.faults.batch = func(in *dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error, bool) {
		calls++
		if calls > 2 {
			return nil, nil, false
		}
		out := leave(in, b.table, 2-calls) // first one is read, then none
		if calls == 1 {
			read := in.RequestItems[b.table]
			read.Keys = read.Keys[1:]
			real, err := b.client.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{b.table: read}})
			if err != nil {
				return nil, err, true
			}
			out.Responses = real.Responses
		}
		return out, nil, true
	}
	got, err := b.Known(t.Context(), []event.Key{e1.Key(), e2.Key()}, now)
	if err != nil {
		t.Fatal(err)
	}
	want := map[event.Key]event.Hash{e1.Key(): e1.Hash(), e2.Key(): e2.Hash()}
	if diff := cmp.Diff(want, got); diff != "" || calls != 3 {
		t.Errorf("known after %d calls (-want +got):\n%s", calls, diff)
	}
}

// A table that is throttled for good must not hold the function until it is
// killed, nor be hammered without a pause meanwhile.
func TestKnownGivesUpOnKeysLeftUnread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls, start := 0, time.Now()
		api := &faults{batch: func(in *dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error, bool) {
			calls++
			return leave(in, "events", 0), nil, true
		}}
		got, err := eventdb.New(api, "events", retention).Known(t.Context(), []event.Key{{TenantID: "acme", ID: "e1"}}, now)
		if err == nil || got != nil {
			t.Errorf("Known = %v, %v, want an error", got, err)
		}
		if took := time.Since(start); calls > 10 || took < time.Second || took > 5*time.Second {
			t.Errorf("%d calls in %s, want a few in some seconds", calls, took)
		}
	})
}

func TestKnownEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		api := &faults{batch: func(in *dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error, bool) {
			cancel()
			return leave(in, "events", 0), nil, true
		}}
		_, err := eventdb.New(api, "events", retention).Known(ctx, []event.Key{{TenantID: "acme", ID: "e1"}}, now)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error = %v, want that of the context", err)
		}
	})
}

func TestKnownReturnsAFailure(t *testing.T) {
	t.Parallel()
	b, down := setup(t), errors.New("down")
	b.faults.batch = func(*dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error, bool) { return nil, down, true }
	if _, err := b.Known(t.Context(), []event.Key{{TenantID: "acme", ID: "e1"}}, now); !errors.Is(err, down) {
		t.Errorf("error = %v", err)
	}
}
