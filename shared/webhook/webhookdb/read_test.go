package webhookdb_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"webhooks/shared/apperr"
	"webhooks/shared/event"
	"webhooks/shared/testkit/faulttest"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
)

func TestGetReturnsNotFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.create(t)
	for name, key := range map[string]webhook.Key{
		"an unknown id":               {TenantID: tenant, ID: 2},
		"another tenant":              {TenantID: "globex", ID: 1},
		"item 0":                      {TenantID: tenant, ID: 0},
		"a negative id":               {TenantID: tenant, ID: -1},
		"a prefix of the tenant":      {TenantID: "acm", ID: 1},
		"the tenant in other letters": {TenantID: "ACME", ID: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := b.Get(t.Context(), key)
			wantReason(t, err, apperr.WebhookNotFound)
			_, err = b.GetWithSecrets(t.Context(), key, b.now)
			wantReason(t, err, apperr.WebhookNotFound)
		})
	}
}

func TestAnUnknownSecretFormatIsAnError(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.create(t)
	b.set(t, w.ID, "secret", &types.AttributeValueMemberS{Value: "kms2:c2VjcmV0"})

	_, err := b.GetWithSecrets(t.Context(), w.Key(), b.now)
	if err == nil || apperr.From(err).Reason != apperr.InternalError {
		t.Fatalf("error = %v, want an internal one", err)
	}
	if strings.Contains(err.Error(), "c2VjcmV0") {
		t.Errorf("the error quotes the secret: %v", err)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	t.Run("returns nothing without webhooks", func(t *testing.T) {
		t.Parallel()
		list, err := setup(t).List(t.Context(), tenant)
		if err != nil || len(list) != 0 {
			t.Errorf("List = %v, %v, want nothing", list, err)
		}
	})
	t.Run("returns the tenant's webhooks by ascending id", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		var want []webhook.Webhook
		for range 11 { // sorted as text, 10 would come before 2
			want = append(want, withoutSecrets(b.create(t)))
		}
		if _, err := b.Create(t.Context(), webhooktest.Webhook("globex"), b.now); err != nil {
			t.Fatal(err)
		}
		list, err := b.List(t.Context(), tenant)
		if err != nil {
			t.Fatal(err)
		}
		if d := diff(want, list); d != "" {
			t.Errorf("-want +got:\n%s", d)
		}
	})
	t.Run("reads in pages, only the newest one strongly consistently", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		const webhooks = 101
		for id := range int64(webhooks) {
			b.set(t, id+1, "url", &types.AttributeValueMemberS{Value: "https://receiver.example"})
		}
		var consistent []bool
		faulttest.On(b.faults, func(in *dynamodb.QueryInput) (*dynamodb.QueryOutput, error) {
			consistent = append(consistent, *in.ConsistentRead)
			return nil, nil
		})
		list, err := b.List(t.Context(), tenant)
		if err != nil || len(list) != webhooks || list[0].ID != 1 || list[webhooks-1].ID != webhooks {
			t.Errorf("%d webhooks, %v, want those from 1 to %d", len(list), err, webhooks)
		}
		if d := diff([]bool{true, false}, consistent); d != "" {
			t.Errorf("consistent reads (-want +got):\n%s", d)
		}
	})
	t.Run("reads every page", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		const webhooks, bytes = 6, 300 << 10 // a page is 1 MiB
		for range webhooks {
			w := b.create(t)
			b.set(t, w.ID, "ballast", &types.AttributeValueMemberS{Value: strings.Repeat("x", bytes)})
		}
		list, err := b.List(t.Context(), tenant)
		if err != nil || len(list) != webhooks {
			t.Errorf("%d webhooks, %v, want %d", len(list), err, webhooks)
		}
	})
}

func TestGetMany(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one, two := b.create(t), b.create(t)
	other, err := b.Create(t.Context(), webhooktest.Webhook("globex"), b.now)
	if err != nil {
		t.Fatal(err)
	}
	got, unreadable := b.GetMany(t.Context(), []webhook.Key{
		two.Key(), one.Key(), two.Key(), other.Key(), // DynamoDB refuses a batch with a duplicate key
		{TenantID: tenant, ID: 99}, {TenantID: tenant, ID: 0},
	}, b.now)
	if len(unreadable) != 0 {
		t.Fatal(unreadable)
	}
	want := map[webhook.Key]webhook.Webhook{one.Key(): one, two.Key(): two, other.Key(): other}
	if d := diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if got, unreadable := b.GetMany(t.Context(), nil, b.now); len(unreadable) != 0 || len(got) != 0 {
		t.Errorf("GetMany of no keys = %v, %v, want nothing", got, unreadable)
	}
}

func TestGetManyReadsMoreThanABatch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const tenants = 101
	keys := make([]webhook.Key, tenants)
	var group errgroup.Group
	group.SetLimit(8)
	for i := range keys {
		group.Go(func() error {
			w, err := b.Create(t.Context(), webhooktest.Webhook(fmt.Sprint("tenant-", i)), b.now)
			keys[i] = w.Key()
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	got, unreadable := b.GetMany(t.Context(), keys, b.now)
	if len(unreadable) != 0 || len(got) != tenants {
		t.Errorf("%d webhooks, %v, want %d", len(got), unreadable, tenants)
	}
}

func TestGetManyRetriesUnprocessedKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one, two := b.create(t), b.create(t)
	keys := []webhook.Key{one.Key(), two.Key()}
	left := 2
	faulttest.On(b.faults, func(in *dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error) {
		if left--; left < 0 {
			return nil, nil
		}
		return &dynamodb.BatchGetItemOutput{UnprocessedKeys: in.RequestItems}, nil
	})
	got, unreadable := b.GetMany(t.Context(), keys, b.now)
	if len(unreadable) != 0 || len(got) != 2 || b.pauses.Load() != 2 {
		t.Errorf("%d webhooks, %v after %d pauses, want 2 after 2", len(got), unreadable, b.pauses.Load())
	}
}

// A webhook that DynamoDB leaves unread in every try has an error of its own. The
// others are found.
func TestGetManyFailsOnlyUnreadKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one, hot := b.create(t), b.create(t)
	b.faults.Unread("webhook_id", strconv.FormatInt(hot.ID, 10))
	got, unreadable := b.GetMany(t.Context(), []webhook.Key{hot.Key(), one.Key()}, b.now)
	if d := diff(map[webhook.Key]webhook.Webhook{one.Key(): one}, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if len(unreadable) != 1 {
		t.Errorf("unreadable = %v, want one webhook", unreadable)
	}
	wantReason(t, unreadable[hot.Key()], apperr.TemporarilyUnavailable)
}

func TestReadIndexes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.create(t)
	off := b.create(t, func(w *webhook.Webhook) { w.Enabled = false })

	got, err := webhooktest.Indexes(t.Context(), b.client, b.Store, tenant, "nobody", tenant)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]webhook.Index{tenant: {w.ID: w.Mask(), off.ID: off.Mask()}, "nobody": {}}
	if d := diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if d := diff([]int64{w.ID}, got[tenant].Match(event.EnvironmentCreated)); d != "" {
		t.Errorf("match (-want +got):\n%s", d)
	}
}
