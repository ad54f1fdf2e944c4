package eventdb_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/aws/dynamo"
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
			got, failed := b.GetHashes(t.Context(), tt.keys, now)
			if diff := cmp.Diff(tt.want, got); diff != "" || len(failed) > 0 {
				t.Errorf("failed: %v; hashes (-want +got):\n%s", failed, diff)
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
		if got, failed := b.GetHashes(t.Context(), []event.Key{e.Key()}, at); len(failed) > 0 || len(got) != want {
			t.Errorf("%s after the expiry: %d hashes, %v, want %d", at.Sub(end), len(got), failed, want)
		}
	}
}

func TestGetHashesReturnsErrors(t *testing.T) {
	t.Parallel()
	b, down := setup(t), errors.New("down")
	b.faults.Fail("BatchGetItem", down)
	key := event.Key{TenantID: "acme", ID: "e1"}
	if got, failed := b.GetHashes(t.Context(), []event.Key{key}, now); !errors.Is(failed[key], down) || len(got) > 0 {
		t.Errorf("GetHashes = %v, %v", got, failed)
	}
}

// A row that this version cannot read fails its own event only.
func TestGetHashesFailsOnlyTheEventOfAnUnreadableRow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	good, bad := newEvent(t, "acme", "good", `1`), newEvent(t, "acme", "bad", `1`)
	b.store(t, good)
	item := dynamo.Item{
		"event": &types.AttributeValueMemberS{Value: "acme#bad"}, "hash": &types.AttributeValueMemberS{Value: "not bytes"},
		"ttl": &types.AttributeValueMemberS{Value: "not a number"},
	}
	if _, err := b.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &b.table, Item: item}); err != nil {
		t.Fatal(err)
	}
	hashes, failed := b.GetHashes(t.Context(), []event.Key{good.Key(), bad.Key()}, now)
	if len(hashes) != 1 || hashes[good.Key()] != good.Hash() || len(failed) != 1 || failed[bad.Key()] == nil {
		t.Errorf("GetHashes = %v, %v", hashes, failed)
	}
}
