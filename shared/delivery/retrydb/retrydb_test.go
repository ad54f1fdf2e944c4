package retrydb_test

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	gocmp "github.com/google/go-cmp/cmp"

	"webhooks/shared/delivery"
	"webhooks/shared/delivery/retrydb"
	"webhooks/shared/event"
	"webhooks/shared/webhook"
)

// deliveries returns the deliveries of rows, sorted by event id.
func deliveries(rows []retrydb.Row) []delivery.Delivery {
	var list []delivery.Delivery
	for _, row := range rows {
		list = append(list, row.Delivery)
	}
	slices.SortFunc(list, func(a, b delivery.Delivery) int { return cmp.Compare(a.Event.ID, b.Event.ID) })
	return list
}

func TestRowsHaveNoBody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	with := sample(1)
	with.Body = []byte(`{"type":"training.failed"}`)
	b.put(t, with, sample(2))

	rows, _ := b.list(t, retrydb.MinuteOf(due))
	want := []delivery.Delivery{sample(1), sample(2)}
	if diff := gocmp.Diff(want, deliveries(rows)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if with.Body == nil {
		t.Error("PutMany removed the caller's body")
	}
}

func TestASlotThatIsHoursAheadIsStoredWholeHoursBeforeIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	paced := sample(1).InSlot(due.Add(28*time.Hour+40*time.Minute), 0.1)
	b.put(t, paced)
	rows, _ := b.list(t, retrydb.MinuteOf(due.Add(40*time.Minute)))
	if len(rows) != 1 || rows[0].Early != 28*time.Hour || !rows[0].Delivery.Due.Equal(paced.Due) {
		t.Errorf("rows %+v, want one that comes 28 h before its slot", rows)
	}
}

func TestRowsAreFoundInTheirMinute(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, last := sample(1), sample(2)
	first.Due = due.Truncate(time.Minute)
	last.Due = first.Due.Add(time.Minute - time.Millisecond)
	b.put(t, first, last)

	m := retrydb.MinuteOf(due)
	if rows, _ := b.list(t, m); len(rows) != 2 {
		t.Errorf("%d rows in the minute, want the first and the last", len(rows))
	}
	for _, other := range []retrydb.Minute{m - 1, m + 1} {
		if rows, _ := b.list(t, other); len(rows) != 0 {
			t.Errorf("%d rows in minute %+d, want none", len(rows), other-m)
		}
	}
}

func TestCopiesCollapse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	withBody := sample(1)
	withBody.Body = []byte(`{}`)
	b.put(t, sample(1), withBody) // two copies in one batch: DynamoDB refuses a key twice
	b.put(t, sample(1))

	if rows, _ := b.list(t, retrydb.MinuteOf(due)); len(rows) != 1 {
		t.Errorf("%d rows of three copies, want 1", len(rows))
	}
}

func TestDifferentDeliveriesDoNotCollapse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := []delivery.Delivery{sample(1)}
	for _, change := range []func(*delivery.Delivery){
		func(d *delivery.Delivery) { d.Attempt++ },
		func(d *delivery.Delivery) { d.Webhook.ID++ },
		func(d *delivery.Delivery) { d.Event.ID = "evt_1" },
		func(d *delivery.Delivery) { d.Webhook.TenantID, d.Event.TenantID = "globex", "globex" },
		// The tenant and event ids concatenate to the same text.
		func(d *delivery.Delivery) {
			d.Webhook.TenantID, d.Event.TenantID, d.Event.ID = "acme-evt", "acme-evt", "001"
		},
	} {
		d := sample(1)
		change(&d)
		list = append(list, d)
	}
	b.put(t, list...)
	if rows, _ := b.list(t, retrydb.MinuteOf(due)); len(rows) != len(list) {
		t.Errorf("%d rows of %d deliveries", len(rows), len(list))
	}
}

func TestPagesHaveEachRowOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const n = 250 // a page has 100 rows
	b.put(t, samples(n)...)

	rows, pages := b.list(t, retrydb.MinuteOf(due))
	if slices.Max(pages[:]) < 2 {
		t.Fatalf("pages = %v, want a shard with two", pages)
	}
	if diff := gocmp.Diff(samples(n), deliveries(rows)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if slices.Min(pages[:]) < 1 || slices.Max(pages[:]) > 2 {
		t.Errorf("pages = %v, want even shards", pages)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put(t, samples(60)...)
	rows, _ := b.list(t, retrydb.MinuteOf(due))
	if err := b.Delete(t.Context(), rows[:40]); err != nil {
		t.Fatal(err)
	}
	left, _ := b.list(t, retrydb.MinuteOf(due))
	if diff := gocmp.Diff(deliveries(rows[40:]), deliveries(left)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	// Two retriers may delete the same row.
	if err := b.Delete(t.Context(), rows[:1]); err != nil {
		t.Errorf("delete again: %v", err)
	}
	if err := b.Delete(t.Context(), nil); err != nil {
		t.Errorf("delete nothing: %v", err)
	}
}

func TestListReportsUnreadableRowsAndReturnsTheOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put(t, sample(1))
	partition := partitionOf(t, b.raw(t)[0])
	b.insert(t, partition, "acme#evt_0#1#1", "hello")
	b.insert(t, partition, "acme#zzz#1#1", `{"kind":"logs"}`)

	shard, _ := strconv.Atoi(partition[strings.Index(partition, "#")+1:])
	rows, next, unreadable, err := b.List(t.Context(), retrydb.MinuteOf(due), shard, "")
	if err != nil || next != "" || len(rows) != 1 {
		t.Fatalf("%d rows, next %q, %v", len(rows), next, err)
	}
	for _, name := range []string{"acme#evt_0#1#1", "acme#zzz#1#1"} {
		if unreadable == nil || !strings.Contains(unreadable.Error(), name) {
			t.Errorf("unreadable = %v, want it to name %s", unreadable, name)
		}
	}
}

func TestARowCostsOneWriteUnit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := sample(1)
	longest := strings.Repeat("x", event.MaxIDLength)
	d.Webhook, d.Event = webhook.Key{TenantID: longest, ID: 1<<63 - 1}, event.Key{TenantID: longest, ID: longest}
	for _, eventType := range event.Types() {
		if len(eventType) > len(d.Type) {
			d.Type = eventType
		}
	}
	d.Attempt, d.Body = 20, []byte(strings.Repeat(" ", 1<<10))
	b.put(t, d)

	size := 0
	item := b.raw(t)[0]
	for name, value := range item {
		size += len(name)
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			size += len(v.Value)
		case *types.AttributeValueMemberN:
			size += 21 // the maximum
		}
	}
	if size > 1<<10 {
		t.Errorf("the largest row has %d bytes, want at most a write unit of 1024", size)
	}
	want := strconv.FormatInt(due.Add(30*24*time.Hour).Unix(), 10)
	if ttl, _ := item["ttl"].(*types.AttributeValueMemberN); ttl == nil || ttl.Value != want {
		t.Errorf("ttl = %v, want %s: 30 days after the row is due", item["ttl"], want)
	}
}
