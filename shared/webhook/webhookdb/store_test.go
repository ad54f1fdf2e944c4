package webhookdb_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"webhooks/shared/apperr"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/faulttest"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/webhookdb"
)

const tenant = "acme"

// bundle is the store of one test, with its own table.
type bundle struct {
	*webhookdb.Store
	client *dynamodb.Client
	faulty *dynamodb.Client // makes its calls through faults
	faults *faulttest.Faults
	table  string
	now    time.Time
	pauses *atomic.Int32
}

func setup(t *testing.T) bundle {
	t.Helper()
	client := dynamodb.NewFromConfig(cloudtest.Config(t))
	now := time.Date(2026, 1, 26, 10, 0, 0, 999, time.FixedZone("CST", 8*3600))
	b := bundle{client: client, faults: new(faulttest.Faults), table: cloudtest.Table(t, "WebhooksTable"), now: now, pauses: new(atomic.Int32)}
	b.faulty = dynamodb.NewFromConfig(b.faults.Config(cloudtest.Config(t)))
	b.Store = webhookdb.New(b.faulty, b.table,
		webhookdb.WithPause(func(ctx context.Context, _ int) error {
			b.pauses.Add(1)
			return ctx.Err()
		}))
	return b
}

// canceled returns the error of a canceled transaction, with a reason for each of
// its items.
func canceled(codes ...string) error {
	err := &types.TransactionCanceledException{Message: aws.String("canceled")}
	for _, code := range codes {
		err.CancellationReasons = append(err.CancellationReasons, types.CancellationReason{Code: aws.String(code)})
	}
	return err
}

func (b bundle) create(t *testing.T, changes ...func(*webhook.Webhook)) webhook.Webhook {
	t.Helper()
	w, err := b.Create(t.Context(), webhooktest.Webhook(tenant, changes...), b.now)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (b bundle) get(t *testing.T, key webhook.Key) webhook.Webhook {
	t.Helper()
	w, err := b.GetWithSecrets(t.Context(), key, b.now)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (b bundle) index(t *testing.T) webhook.Index {
	t.Helper()
	indexes, err := webhooktest.Indexes(t.Context(), b.client, b.Store, tenant)
	if err != nil {
		t.Fatal(err)
	}
	return indexes[tenant]
}

// count returns the number of webhooks that item 0 of a tenant has counted.
func (b bundle) count(t *testing.T, tenantID string) string {
	t.Helper()
	key := b.key(0)
	key["tenant_id"] = &types.AttributeValueMemberS{Value: tenantID}
	out, err := b.client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &b.table, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	if n, ok := out.Item["count"].(*types.AttributeValueMemberN); ok {
		return n.Value
	}
	return "0" // the tenant has no item 0
}

func (b bundle) key(id int64) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"tenant_id":  &types.AttributeValueMemberS{Value: tenant},
		"webhook_id": &types.AttributeValueMemberN{Value: strconv.FormatInt(id, 10)},
	}
}

// raw returns an item as DynamoDB stores it.
func (b bundle) raw(t *testing.T, id int64) map[string]types.AttributeValue {
	t.Helper()
	out, err := b.client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &b.table, Key: b.key(id), ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	return out.Item
}

// set writes one attribute of an item without the store.
func (b bundle) set(t *testing.T, id int64, name string, value types.AttributeValue) {
	t.Helper()
	_, err := b.client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: &b.table, Key: b.key(id),
		UpdateExpression:          aws.String("SET #n = :v"),
		ExpressionAttributeNames:  map[string]string{"#n": name},
		ExpressionAttributeValues: map[string]types.AttributeValue{":v": value},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func withoutSecrets(w webhook.Webhook) webhook.Webhook {
	w.Secret, w.PreviousSecrets = "", nil
	return w
}

func diff(want, got any) string { return cmp.Diff(want, got, cmpopts.EquateEmpty()) }

func wantReason(t *testing.T, err error, r apperr.Reason) {
	t.Helper()
	if !apperr.Is(err, r) {
		t.Fatalf("error = %v, want reason %d", err, r)
	}
}
