package apikeydb_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/apperr"
	"webhooks/shared/auth"
	"webhooks/shared/auth/apikey"
	"webhooks/shared/auth/apikeydb"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/faulttest"
)

type bundle struct {
	client *dynamodb.Client
	table  string
	store  *apikeydb.Store
	now    time.Time
}

func setup(t *testing.T) bundle {
	t.Helper()
	client, table := dynamodb.NewFromConfig(cloudtest.Config(t)), cloudtest.Table(t, "KeysTable")
	return bundle{client: client, table: table, store: apikeydb.New(client, table), now: time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC)}
}

// create stores a new key of a tenant.
func (b bundle) create(t *testing.T, tenantID string, expires time.Time) apikey.Key {
	t.Helper()
	key := apikey.Generate().Key(tenantID, []auth.Scope{auth.WebhooksRead, auth.LogsRead}, b.now, expires)
	if err := b.store.Create(t.Context(), key); err != nil {
		t.Fatalf("create: %v", err)
	}
	return key
}

func TestGetReturnsTheCreatedKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, want := range []apikey.Key{b.create(t, "acme", time.Time{}), b.create(t, "acme", b.now.Add(time.Hour))} {
		got, err := b.store.Get(t.Context(), want.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("key (-want +got):\n%s", diff)
		}
	}
}

func TestUnknownIDIsNotFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.create(t, "acme", time.Time{})
	id := apikey.Generate().KeyID
	if _, err := b.store.Get(t.Context(), id); !errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("get: %v", err)
	}
	if _, err := b.store.Expire(t.Context(), id, b.now, b.now); !errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("expire: %v", err)
	}
	if _, err := b.store.Revoke(t.Context(), id); !errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("revoke: %v", err)
	}
	if _, err := b.store.Get(t.Context(), id); !errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("expire created a row: %v", err)
	}
}

func TestCreateNeverOverwrites(t *testing.T) {
	t.Parallel()
	b := setup(t)
	want := b.create(t, "acme", time.Time{})
	thief := want
	thief.TenantID = "other"
	if err := b.store.Create(t.Context(), thief); err == nil {
		t.Error("the key of another tenant is overwritten")
	}
	if got, err := b.store.Get(t.Context(), want.ID); err != nil || got.TenantID != "acme" {
		t.Errorf("the stored key is %+v, %v", got, err)
	}
}

func TestListReturnsTheTenantsKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	want := []apikey.Key{b.create(t, "acme", time.Time{}), b.create(t, "acme", b.now.Add(time.Hour)), b.create(t, "acme", time.Time{})}
	b.create(t, "acme2", time.Time{})
	slices.SortFunc(want, func(a, b apikey.Key) int { return strings.Compare(a.ID, b.ID) })
	got, err := b.store.List(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if got, err := b.store.List(t.Context(), "nobody"); err != nil || len(got) != 0 {
		t.Errorf("a tenant without keys has %v, %v", got, err)
	}
}

func TestExpireAndRevoke(t *testing.T) {
	t.Parallel()
	b := setup(t)
	want := b.create(t, "acme", time.Time{})
	want.ExpiresAt, want.ChangedAt = b.now.Add(time.Hour), b.now.Add(time.Minute)
	got, err := b.store.Expire(t.Context(), want.ID, want.ExpiresAt, want.ChangedAt)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("expired key (-want +got):\n%s", diff)
	}
	revoked, err := b.store.Revoke(t.Context(), want.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, revoked); diff != "" {
		t.Errorf("revoked key (-want +got):\n%s", diff)
	}
	if _, err := b.store.Get(t.Context(), want.ID); !errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("get after revoke: %v", err)
	}
}

// A row that somebody wrote by hand must not authenticate anyone.
func TestIncompleteRowIsAnError(t *testing.T) {
	t.Parallel()
	b := setup(t)
	whole := map[string]types.AttributeValue{
		"key_id": &types.AttributeValueMemberS{Value: "abcdefghijklmnop"}, "tenant_id": &types.AttributeValueMemberS{Value: "acme"},
		"hash": &types.AttributeValueMemberB{Value: make([]byte, 32)},
	}
	tests := []struct {
		name, attribute string
		value           types.AttributeValue
	}{
		{name: "short hash", attribute: "hash", value: &types.AttributeValueMemberB{Value: []byte{1}}},
		{name: "hash of another type", attribute: "hash", value: &types.AttributeValueMemberBOOL{Value: true}},
	}
	for _, tt := range tests {
		whole[tt.attribute] = tt.value
		if _, err := b.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &b.table, Item: whole}); err != nil {
			t.Fatal(err)
		}
		if key, err := b.store.Get(t.Context(), "abcdefghijklmnop"); err == nil || errors.Is(err, apikey.ErrNotFound) {
			t.Errorf("%s: Get = %+v, %v", tt.name, key, err)
		}
	}
}

func TestThrottledTableIsTemporarilyUnavailable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var faults faulttest.Faults
	faults.Fail("GetItem", &types.RequestLimitExceeded{})
	store := apikeydb.New(dynamodb.NewFromConfig(faults.Config(cloudtest.Config(t))), b.table)
	_, err := store.Get(t.Context(), "abcdefghijklmnop")
	if !apperr.Is(err, apperr.TemporarilyUnavailable) || errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("the error is %v", err)
	}
}
