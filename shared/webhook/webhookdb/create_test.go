package webhookdb_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"webhooks/shared/apperr"
	"webhooks/shared/event"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/faulttest"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/webhookdb"
)

func TestCreateRoundTrip(t *testing.T) {
	t.Parallel()
	b := setup(t)
	want := webhooktest.Webhook(tenant, func(w *webhook.Webhook) {
		w.Events = []event.Type{event.AlertResolved, event.EnvironmentCreated}
		w.Enabled = false
	})
	want.ID, want.Revision, want.Address = 1, 1, 1
	want.CreatedAt = time.Date(2026, 1, 26, 2, 0, 0, 0, time.UTC)
	want.UpdatedAt = want.CreatedAt

	created := b.create(t, func(w *webhook.Webhook) { w.Events, w.Enabled = want.Events, want.Enabled })
	if d := diff(want, created); d != "" {
		t.Errorf("created (-want +got):\n%s", d)
	}
	if d := diff(want, b.get(t, want.Key())); d != "" {
		t.Errorf("read back (-want +got):\n%s", d)
	}
}

func TestCreateAssignsConsecutiveIDs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for want := int64(1); want <= 3; want++ {
		if got := b.create(t).ID; got != want {
			t.Errorf("id = %d, want %d", got, want)
		}
	}
	other, err := b.Create(t.Context(), webhooktest.Webhook("globex"), b.now)
	if err != nil || other.ID != 1 {
		t.Errorf("first id of another tenant = %d, %v, want 1", other.ID, err)
	}
}

func TestCreateNeverReusesAnID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.create(t)
	if err := b.Delete(t.Context(), b.create(t).Key()); err != nil {
		t.Fatal(err)
	}
	if got := b.create(t).ID; got != 3 {
		t.Errorf("id after the deletion of webhook 2 = %d, want 3", got)
	}
}

func TestCreateStoresTheFormatOfTheSecret(t *testing.T) {
	t.Parallel()
	b := setup(t)
	secret, _ := b.raw(t, b.create(t).ID)["secret"].(*types.AttributeValueMemberS)
	if secret == nil || secret.Value != "plain:"+webhooktest.Secret {
		t.Errorf("stored secret = %v, want it after the prefix plain:", secret)
	}
}

func TestCreateRefusesOneTooMany(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.create(t)
	b.set(t, 0, "count", &types.AttributeValueMemberN{Value: strconv.Itoa(webhook.MaxPerTenant)})

	_, err := b.Create(t.Context(), webhooktest.Webhook(tenant), b.now)
	wantReason(t, err, apperr.TooManyWebhooks)

	b.set(t, 0, "count", &types.AttributeValueMemberN{Value: strconv.Itoa(webhook.MaxPerTenant - 1)})
	b.create(t)
}

func TestConcurrentCreates(t *testing.T) {
	t.Parallel()
	b := setup(t)
	store := webhookdb.New(b.client, b.table) // with real waits: these writes conflict
	const writers = 12
	ids := make([]int64, writers)
	group, ctx := errgroup.WithContext(t.Context())
	for i := range writers {
		group.Go(func() error {
			w, err := store.Create(ctx, webhooktest.Webhook(tenant), b.now)
			ids[i] = w.ID
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(ids)
	if d := diff([]int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, ids); d != "" {
		t.Errorf("ids (-want +got):\n%s", d)
	}
	if got := len(b.index(t)); got != writers {
		t.Errorf("the index has %d entries, want %d", got, writers)
	}
}

func TestCreateRetries(t *testing.T) {
	t.Parallel()
	for name, injected := range map[string]error{
		"after a conflict":             canceled("TransactionConflict", "None"),
		"after a conflict over the id": canceled("ConditionalCheckFailed", "None"),
		"after a throttled item":       canceled("None", "ThrottlingError"),
		"after exceeded capacity":      canceled("ProvisionedThroughputExceeded", "None"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.faults.FailTimes(3, "TransactWriteItems", injected)
			if w := b.create(t); w.ID != 1 || b.pauses.Load() != 3 {
				t.Errorf("id %d after %d pauses, want 1 after 3", w.ID, b.pauses.Load())
			}
		})
	}
}

// wantToWait fails the test unless err has the reason and says when to try again.
func wantToWait(t *testing.T, err error, reason apperr.Reason) {
	t.Helper()
	wantReason(t, err, reason)
	if wait := apperr.From(err).RetryAfter; wait < time.Second {
		t.Errorf("Retry-After is %v, want at least a second", wait)
	}
}

// TestCreateGivesUp: a tenant whose own writes come first each time has caused that
// itself; throttling it has not.
func TestCreateGivesUp(t *testing.T) {
	t.Parallel()
	t.Run("if conflicts do not end", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.faults.Fail("TransactWriteItems", canceled("TransactionConflict", "None"))
		_, err := b.Create(t.Context(), webhooktest.Webhook(tenant), b.now)
		wantToWait(t, err, apperr.ChangedMeanwhile)
	})
	t.Run("if throttling does not end", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.faults.Fail("TransactWriteItems", canceled("ThrottlingError", "TransactionConflict"))
		_, err := b.Create(t.Context(), webhooktest.Webhook(tenant), b.now)
		wantToWait(t, err, apperr.TemporarilyUnavailable)
	})
	t.Run("if the context ends", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ctx, cancel := context.WithCancel(t.Context())
		faulttest.On(b.faults, func(*dynamodb.TransactWriteItemsInput) (*dynamodb.TransactWriteItemsOutput, error) {
			cancel()
			return nil, canceled("TransactionConflict", "None")
		})
		_, err := b.Create(ctx, webhooktest.Webhook(tenant), b.now)
		wantToWait(t, err, apperr.ChangedMeanwhile)
		if b.pauses.Load() != 1 || !errors.Is(err, context.Canceled) {
			t.Errorf("%d pauses, error %v, want one and the context's error", b.pauses.Load(), err)
		}
	})
	t.Run("at once after an error that no retry can fix", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.faults.FailTimes(1, "TransactWriteItems", canceled("ValidationError", "None"))
		_, err := b.Create(t.Context(), webhooktest.Webhook(tenant), b.now)
		if err == nil || apperr.From(err).Reason != apperr.InternalError || b.pauses.Load() != 0 {
			t.Errorf("error = %v after %d pauses, want an internal one at once", err, b.pauses.Load())
		}
	})
}

// losing is an HTTP client that loses the first response to a transaction.
type losing struct {
	aws.HTTPClient
	lost atomic.Bool
}

func (l *losing) Do(r *http.Request) (*http.Response, error) {
	response, err := l.HTTPClient.Do(r)
	if err == nil && strings.HasSuffix(r.Header.Get("X-Amz-Target"), "TransactWriteItems") && l.lost.CompareAndSwap(false, true) {
		_ = response.Body.Close()
		return nil, errors.New("connection reset by peer")
	}
	return response, err
}

func TestCreateIsIdempotentWhenAResponseIsLost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cfg := cloudtest.Config(t)
	lossy := &losing{HTTPClient: cfg.HTTPClient}
	cfg.HTTPClient = lossy
	store := webhookdb.New(dynamodb.NewFromConfig(cfg), b.table)

	w, err := store.Create(t.Context(), webhooktest.Webhook(tenant), b.now)
	if err != nil || w.ID != 1 || !lossy.lost.Load() {
		t.Fatalf("Create = %d, %v (response lost: %v), want 1", w.ID, err, lossy.lost.Load())
	}
	if list, err := b.List(t.Context(), tenant); err != nil || len(list) != 1 {
		t.Errorf("%d webhooks, %v, want one", len(list), err)
	}
}
