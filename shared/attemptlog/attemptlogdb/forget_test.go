package attemptlogdb_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/attemptlog/attemptlogdb"
)

// counter returns item 0 of the bundle's webhook: the last id, and when it expires, each
// "" if it has none.
func (b *bundle) counter(t *testing.T) (lastID, ttl string) {
	t.Helper()
	out, err := b.client.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: &b.table, ConsistentRead: aws.Bool(true),
		Key: attemptlogdb.CounterKey(b.key),
	})
	if err != nil {
		t.Fatal(err)
	}
	text := func(name string) string {
		if n, ok := out.Item[name].(*types.AttributeValueMemberN); ok {
			return n.Value
		}
		return ""
	}
	return text("last_id"), text("ttl")
}

// TestTheCounterOfADeletedWebhookExpires, and no other counter does.
func TestTheCounterOfADeletedWebhookExpires(t *testing.T) {
	t.Parallel()
	expires := func(b *bundle) string { return strconv.FormatInt(b.now.Add(retention).Unix(), 10) }
	wants := func(t *testing.T, b *bundle, lastID, ttl string) {
		t.Helper()
		if gotID, gotTTL := b.counter(t); gotID != lastID || gotTTL != ttl {
			t.Errorf("last id %q, ttl %q, want %q and %q", gotID, gotTTL, lastID, ttl)
		}
	}
	write := func(t *testing.T, b *bundle) {
		t.Helper()
		b.append(t, b.logs(2))
	}
	forget := func(t *testing.T, b *bundle, deletedNow bool, now time.Time) {
		t.Helper()
		if err := b.store.Forget(t.Context(), b.key, deletedNow, now); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("with logs", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		write(t, b)
		wants(t, b, "2", "")
		forget(t, b, true, b.now)
		wants(t, b, "2", expires(b))
	})
	t.Run("an attempt that was under way keeps the time", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		forget(t, b, true, b.now)
		write(t, b)
		wants(t, b, "2", expires(b))
	})
	t.Run("a repeated request after a failure", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		write(t, b)
		forget(t, b, false, b.now)
		wants(t, b, "2", expires(b))
		forget(t, b, false, b.now.Add(time.Hour))
		wants(t, b, "2", expires(b))
	})
	t.Run("an id that never was", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		forget(t, b, false, b.now)
		wants(t, b, "", "")
	})
}
