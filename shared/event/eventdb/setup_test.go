package eventdb_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/event"
	"webhooks/shared/event/eventdb"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/faulttest"
)

const retention = 30 * 24 * time.Hour

// now has a fraction of a second. TTLs are whole seconds.
var now = time.Date(2026, 1, 26, 10, 0, 0, 999_000_000, time.UTC)

// bundle is a store on a table of its own.
type bundle struct {
	*eventdb.Store
	client *dynamodb.Client
	faults *faulttest.Faults
	table  string
}

func setup(t *testing.T) bundle {
	t.Helper()
	client := dynamodb.NewFromConfig(cloudtest.Config(t))
	b := bundle{client: client, faults: new(faulttest.Faults), table: cloudtest.Table(t, "EventsTable")}
	b.Store = eventdb.New(dynamodb.NewFromConfig(b.faults.Config(cloudtest.Config(t))), b.table, retention)
	return b
}

// newEvent returns an event with a given id, tenant and data.
func newEvent(t testing.TB, tenant, id, data string) event.Event {
	t.Helper()
	e, err := event.Decode(event.Message{
		ID: "message", SentAt: now,
		Body: fmt.Appendf(nil, `{"id":%q,"type":"environment.created","tenant_id":%q,"timestamp":"2026-01-26T10:00:00Z","data":%s}`, id, tenant, data),
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// incompressible returns a JSON string of size bytes that deflate hardly shrinks.
func incompressible(size int) string {
	random, text := rand.New(rand.NewPCG(1, uint64(size))), bytes.NewBufferString(`"`)
	for text.Len() < size-1 {
		// A random character of two bytes has 11 random bits of 16. A single byte fills
		// an odd size.
		if r := rune(0x80 + random.IntN(0x780)); size-1-text.Len() >= 2 {
			text.WriteRune(r)
		} else {
			text.WriteByte('x')
		}
	}
	return text.String() + `"`
}

// compressible returns a JSON string of size equal bytes.
func compressible(size int) string {
	return `"` + string(bytes.Repeat([]byte("x"), size-2)) + `"`
}

func (b bundle) store(t *testing.T, e event.Event, webhooks ...int64) {
	t.Helper()
	if err := b.Store.Create(t.Context(), e, webhooks, now); err != nil {
		t.Fatal(err)
	}
}

// item returns the row with the key name, or nil.
func (b bundle) item(t *testing.T, name string) map[string]types.AttributeValue {
	t.Helper()
	out, err := b.client.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: &b.table, Key: map[string]types.AttributeValue{"event": &types.AttributeValueMemberS{Value: name}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Item
}
