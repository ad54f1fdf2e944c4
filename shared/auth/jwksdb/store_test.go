package jwksdb_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/auth/apikey"
	"webhooks/shared/auth/apikeydb"
	"webhooks/shared/auth/jwks"
	"webhooks/shared/auth/jwksdb"
	"webhooks/shared/testkit/cloudtest"
)

const url = "https://id.example.com/jwks"

type bundle struct {
	client *dynamodb.Client
	table  string
	store  *jwksdb.Store
	now    time.Time
}

func setup(t *testing.T) bundle {
	t.Helper()
	client, table := dynamodb.NewFromConfig(cloudtest.Config(t)), cloudtest.Table(t, "KeysTable")
	return bundle{client: client, table: table, store: jwksdb.New(client, table, url), now: time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC)}
}

func (b bundle) holds(t *testing.T, want jwks.Record) {
	t.Helper()
	got, err := b.store.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func TestRecordIsZeroBeforeTheFirstFetch(t *testing.T) {
	t.Parallel()
	setup(t).holds(t, jwks.Record{})
}

func TestOneFetchInRetryAfterIsClaimed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	claim := func(now time.Time, want bool) {
		t.Helper()
		if got, err := b.store.Claim(t.Context(), now.Add(-jwks.RetryAfter), now); got != want || err != nil {
			t.Errorf("claim at %s: %v, %v; want %v", now, got, err, want)
		}
	}
	claim(b.now, true)
	claim(b.now, false)
	claim(b.now.Add(jwks.RetryAfter-time.Second), false)
	b.holds(t, jwks.Record{TriedAt: b.now})
	claim(b.now.Add(jwks.RetryAfter), true)
	b.holds(t, jwks.Record{TriedAt: b.now.Add(jwks.RetryAfter)})
}

func TestOneOfManyConcurrentClaimsSucceeds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const callers = 8
	claimed := make(chan bool, callers)
	for range callers {
		go func() {
			ok, err := b.store.Claim(t.Context(), b.now.Add(-jwks.RetryAfter), b.now)
			if err != nil {
				t.Error(err)
			}
			claimed <- ok
		}()
	}
	count := 0
	for range callers {
		if <-claimed {
			count++
		}
	}
	if count != 1 {
		t.Errorf("%d of %d claims succeed, want 1", count, callers)
	}
}

func TestNewestSetIsKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	put := func(text []byte, at time.Time) {
		t.Helper()
		if err := b.store.Put(t.Context(), text, at); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.store.Claim(t.Context(), b.now, b.now); err != nil {
		t.Fatal(err)
	}
	put([]byte("second"), b.now.Add(time.Minute))
	put([]byte("first"), b.now) // a slow instance
	b.holds(t, jwks.Record{JWKS: []byte("second"), FetchedAt: b.now.Add(time.Minute), TriedAt: b.now})
	large := bytes.Repeat([]byte("a"), jwks.MaxBytes)
	put(large, b.now.Add(time.Hour))
	b.holds(t, jwks.Record{JWKS: large, FetchedAt: b.now.Add(time.Hour), TriedAt: b.now})
}

func TestLastFailureIsKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, at := range []time.Time{b.now, b.now.Add(time.Minute), b.now} {
		if err := b.store.Fail(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
	b.holds(t, jwks.Record{FailedAt: b.now.Add(time.Minute)})
	if err := b.store.Put(t.Context(), []byte("set"), b.now); err != nil {
		t.Fatal(err)
	}
	b.holds(t, jwks.Record{JWKS: []byte("set"), FetchedAt: b.now, FailedAt: b.now.Add(time.Minute)})
}

func TestEachProviderHasItsOwnRow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if err := jwksdb.New(b.client, b.table, url+"2").Put(t.Context(), []byte("other"), b.now); err != nil {
		t.Fatal(err)
	}
	b.holds(t, jwks.Record{})
}

// The row is in the table of API keys and must not be read as a key.
func TestRowIsNotAnAPIKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if err := b.store.Put(t.Context(), []byte("set"), b.now); err != nil {
		t.Fatal(err)
	}
	out, err := b.client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &b.table})
	if err != nil || len(out.Items) != 1 {
		t.Fatalf("the table has %d items, %v", len(out.Items), err)
	}
	id := out.Items[0]["key_id"].(*types.AttributeValueMemberS).Value
	if apikey.ValidID(id) {
		t.Errorf("%s is a valid id of an API key", id)
	}
	if key, err := apikeydb.New(b.client, b.table).Get(t.Context(), id); err == nil {
		t.Errorf("Get returns the row as the API key %+v", key)
	}
	if keys, err := apikeydb.New(b.client, b.table).List(t.Context(), "acme"); err != nil || len(keys) != 0 {
		t.Errorf("List returns the row: %v, %v", keys, err)
	}
}

// broken is a client whose calls fail.
type broken struct{}

var errBroken = errors.New("broken")

func (broken) GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return nil, errBroken
}

func (broken) UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return nil, errBroken
}

func TestFailedCallsAreErrors(t *testing.T) {
	t.Parallel()
	store := jwksdb.New(broken{}, "keys", url)
	if _, err := store.Get(t.Context()); !errors.Is(err, errBroken) {
		t.Errorf("get: %v", err)
	}
	if ok, err := store.Claim(t.Context(), time.Now(), time.Now()); ok || !errors.Is(err, errBroken) {
		t.Errorf("claim: %v, %v", ok, err)
	}
	if err := store.Put(t.Context(), nil, time.Now()); !errors.Is(err, errBroken) {
		t.Errorf("put: %v", err)
	}
}
