package eventdb_test

import (
	"bytes"
	stdflate "compress/flate"
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/klauspost/compress/flate"
	"pgregory.net/rapid"

	"webhooks/shared/event"
	"webhooks/shared/event/eventdb"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/lambdatest"
)

// DynamoDB's units and limits, in bytes:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
const (
	writeUnit = 1 << 10
	maxItem   = 400 << 10
)

func units(size int) int { return (size + writeUnit - 1) / writeUnit }

// body returns the stored body of a row, and whether it is deflated.
func body(item map[string]types.AttributeValue) (stored []byte, deflated bool) {
	if b, is := item["body"].(*types.AttributeValueMemberB); is {
		stored = b.Value
	}
	_, deflated = item["deflated"]
	return stored, deflated
}

func TestRowsStaySmall(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", event.MaxIDLength)
	tests := []struct {
		name     string
		e        event.Event
		webhooks []int64
		want     int // units
	}{
		{name: "700 bytes that deflate cannot shrink", e: newEvent(t, "acme", "0b2d1c3e-7a5b-4f5e-9c1d-2e3f4a5b6c7d", incompressible(700)), webhooks: []int64{1, 2, 3}, want: 1},
		{name: "700 bytes under the longest names", e: newEvent(t, long, long, compressible(700)), webhooks: []int64{1, 2, 3, 4, 5}, want: 1},
		{name: "no match", e: newEvent(t, "acme", "e1", `{}`), want: 1},
		{name: "8 KiB that deflate shrinks below one unit", e: newEvent(t, "acme", "e1", compressible(8<<10)), webhooks: []int64{1}, want: 1},
		{name: "a body in its own row", e: newEvent(t, "acme", "e1", incompressible(64<<10)), webhooks: []int64{1}, want: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.store(t, tt.e, tt.webhooks...)
			item := b.item(t, tt.e.TenantID+"#"+tt.e.ID)
			if size := cloudtest.ItemSize(t, item); units(size) != tt.want {
				t.Errorf("the row has %d bytes, want %d units", size, tt.want)
			}
		})
	}
}

func TestTheLargestRowsFit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	matches := make([]int64, 1000)
	for i := range matches {
		matches[i] = int64(9_000_000_000 + i)
	}
	long := strings.Repeat("x", event.MaxIDLength)
	inline, large := newEvent(t, long, long, incompressible(eventdb.InlineBody-100)), newEvent(t, "acme", "large", incompressible(event.MaxData))
	b.store(t, inline, matches...)
	if err := b.PutBody(t.Context(), large, now); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{long + "#" + long, bodyRow(large)} {
		if size := cloudtest.ItemSize(t, b.item(t, name)); size < eventdb.InlineBody-100 || size > maxItem {
			t.Errorf("row %.10s… has %d bytes, want a body and at most %d", name, size, maxItem)
		}
	}
}

// written is a table that keeps the last row written.
type written struct {
	eventdb.DynamoDB
	item map[string]types.AttributeValue
}

func (w *written) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	w.item = in.Item
	return &dynamodb.PutItemOutput{}, nil
}

// A body is compressed only if that saves a unit, because compression costs time.
// The store uses upper bounds for the sizes of names and numbers, so near the end
// of a unit both forms are accepted.
func TestCompressionSavesUnits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		table := &written{}
		size := rapid.OneOf(
			rapid.IntRange(2, 9000),
			rapid.Map(rapid.IntRange(1, 8), func(n int) int { return n*writeUnit - 200 }),
		).Draw(r, "size") + rapid.IntRange(0, 40).Draw(r, "more")
		random := rapid.IntRange(0, size).Draw(r, "incompressible")
		data := compressible(2 + size - random)
		data = data[:len(data)-1] + incompressible(2 + random)[1:]
		var webhooks []int64
		for i := range rapid.IntRange(0, 5).Draw(r, "webhooks") {
			webhooks = append(webhooks, int64(1000+i))
		}
		e := newEvent(t, "acme", "e1", data)
		if err := eventdb.New(table, "events", retention).Create(t.Context(), e, webhooks, now); err != nil {
			r.Fatal(err)
		}
		checkUnits(r, table.item, e.Body())
	})
}

// checkUnits checks that item holds plainBody in the cheaper form.
func checkUnits(r *rapid.T, item map[string]types.AttributeValue, plainBody []byte) {
	stored, deflated := body(item)
	const slack = 40
	const flag = len("deflated") + 1
	other := cloudtest.ItemSize(r, item) - len(stored)
	if deflated {
		other -= flag
	}
	plain, packed := other+len(plainBody), other+flag+len(deflate(r, plainBody))
	got, least := cloudtest.ItemSize(r, item), min(units(plain), units(packed))
	if units(got) > units(plain) {
		r.Fatalf("%d bytes are stored as %d, which takes more units", plain, got)
	}
	if units(got) > least && units(got-slack) == units(got+slack) && units(packed-slack) == units(packed+slack) {
		r.Fatalf("%d bytes are stored as %d, but could take %d units", plain, got, least)
	}
	if deflated && units(plain+slack) == units(packed) {
		r.Fatalf("%d bytes are deflated to %d, which saves no unit", plain, packed)
	}
}

// Typical events take at most 5 % more space than with the standard library's
// compressor, which takes three times as long.
func TestCompressionIsCloseToTheStandardLibrary(t *testing.T) {
	t.Parallel()
	for size := 256; size <= eventdb.InlineBody-1024; size += 509 {
		table, e := &written{}, lambdatest.NewEvent("acme", size, size)
		if err := eventdb.New(table, "events", retention).Create(t.Context(), e, []int64{1}, now); err != nil {
			t.Fatal(err)
		}
		stored, _ := body(table.item)
		var small bytes.Buffer
		w, err := stdflate.NewWriter(&small, stdflate.DefaultCompression)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.Body()); err != nil || w.Close() != nil {
			t.Fatal(err)
		}
		if theirs := min(small.Len(), len(e.Body())); units(len(stored)) > units(theirs+theirs/20) {
			t.Errorf("a body of %d bytes is stored as %d; the standard library needs %d", len(e.Body()), len(stored), theirs)
		}
	}
}

// deflate compresses text in the same way as the store.
func deflate(t rapid.TB, text []byte) []byte {
	t.Helper()
	var small bytes.Buffer
	w, err := flate.NewWriter(&small, 5)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return small.Bytes()
}
