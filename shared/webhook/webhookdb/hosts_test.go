package webhookdb_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"webhooks/shared/apperr"
	"webhooks/shared/apperr/locale"
	"webhooks/shared/guard"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/faulttest"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/webhookdb"
)

// hosts returns the counts of a tenant's hosts, as the table has them.
func (b bundle) hosts(t *testing.T, tenantID string) map[string]int {
	t.Helper()
	out, err := b.client.Query(t.Context(), &dynamodb.QueryInput{
		TableName: &b.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: aws.String("tenant_id = :t AND webhook_id < :low"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":t": &types.AttributeValueMemberS{Value: tenantID}, ":low": &types.AttributeValueMemberN{Value: "-1000"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, item := range out.Items {
		var host struct {
			Host  string `dynamodbav:"host"`
			Count int    `dynamodbav:"count"`
		}
		if err := attributevalue.UnmarshalMap(item, &host); err != nil {
			t.Fatal(err)
		}
		counts[host.Host] = host.Count
	}
	return counts
}

func at(url string) func(*webhook.Webhook) { return func(w *webhook.Webhook) { w.URL = url } }

func moveTo(url string) func(webhook.Webhook) (webhook.Webhook, error) {
	return func(w webhook.Webhook) (webhook.Webhook, error) {
		w.URL = url
		return w, nil
	}
}

// TestAHostHasALimitedNumberOfWebhooks of a tenant, however they spell it.
func TestAHostHasALimitedNumberOfWebhooks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Store = webhookdb.New(b.client, b.table, webhookdb.WithHostLimit(4))
	for _, url := range []string{"https://例子.测试/a", "https://xn--fsqu00a.xn--0zwm56d:8443/b", "https://XN--FSQU00A.测试./?c", "HTTPS://例子。测试"} {
		b.create(t, at(url))
	}
	_, err := b.Create(t.Context(), webhooktest.Webhook(tenant, at("https://例子.测试:443/d")), b.now)
	wantReason(t, err, apperr.TooManyForHost)
	if message := apperr.From(err).Message(locale.English); !strings.Contains(message, "xn--fsqu00a.xn--0zwm56d") || !strings.Contains(message, "4") {
		t.Errorf("%q does not name the host and the limit", message)
	}
	other := b.create(t, at("https://other.example/"))
	_, err = b.Update(t.Context(), other.Key(), b.now, moveTo("https://例子.测试/e"))
	wantReason(t, err, apperr.TooManyForHost)
	if got := b.get(t, other.Key()); got.URL != other.URL {
		t.Errorf("the refused URL %s is stored", got.URL)
	}

	one := webhook.Key{TenantID: tenant, ID: 1}
	if _, err := b.Update(t.Context(), one, b.now, moveTo("https://例子.测试/another-path")); err != nil {
		t.Errorf("another path of a host at its limit: %v", err)
	}
	if _, err := b.Update(t.Context(), one, b.now, moveTo("https://third.example/")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Update(t.Context(), other.Key(), b.now, moveTo("https://例子.测试/e")); err != nil {
		t.Errorf("after another webhook has moved: %v", err)
	}
	if err := b.Delete(t.Context(), webhook.Key{TenantID: tenant, ID: 2}); err != nil {
		t.Fatal(err)
	}
	b.create(t, at("https://例子.测试/f"))
	if _, err := b.Create(t.Context(), webhooktest.Webhook("globex", at("https://例子.测试/")), b.now); err != nil {
		t.Errorf("another tenant: %v", err)
	}
	if d := diff(map[string]int{"xn--fsqu00a.xn--0zwm56d": 4, "third.example": 1}, b.hosts(t, tenant)); d != "" {
		t.Errorf("hosts (-want +got):\n%s", d)
	}
}

func TestConcurrentCreatesDoNotExceedTheLimitOfAHost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Store = webhookdb.New(b.client, b.table, webhookdb.WithHostLimit(3))
	var created, refused atomic.Int32
	var group errgroup.Group
	for range 8 {
		group.Go(func() error {
			_, err := b.Create(t.Context(), webhooktest.Webhook(tenant), b.now)
			switch {
			case err == nil:
				created.Add(1)
			case apperr.Is(err, apperr.TooManyForHost):
				refused.Add(1)
			default:
				return err
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil || created.Load() != 3 || refused.Load() != 5 {
		t.Errorf("%d created, %d refused, %v, want 3 and 5", created.Load(), refused.Load(), err)
	}
}

// TestHostsAreCountedExactly after any sequence of writes.
func TestHostsAreCountedExactly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	urls := []string{"https://a.example/", "https://A.example:8443/x", "https://b.example./", "https://8.8.8.8/"}
	var tenants atomic.Int64
	rapid.Check(t, func(r *rapid.T) {
		own := fmt.Sprint("tenant-", tenants.Add(1))
		for range rapid.IntRange(1, 6).Draw(r, "steps") {
			url := rapid.SampledFrom(urls).Draw(r, "url")
			key := webhook.Key{TenantID: own, ID: rapid.Int64Range(1, 3).Draw(r, "id")}
			var err error
			switch rapid.SampledFrom([]string{"create", "create", "update", "delete"}).Draw(r, "step") {
			case "create":
				_, err = b.Create(t.Context(), webhooktest.Webhook(own, at(url)), b.now)
			case "update":
				_, err = b.Update(t.Context(), key, b.now, moveTo(url))
			case "delete":
				err = b.Delete(t.Context(), key)
			}
			if err != nil && !apperr.Is(err, apperr.WebhookNotFound) {
				r.Fatal(err)
			}
		}
		list, err := b.List(t.Context(), own)
		if err != nil {
			r.Fatal(err)
		}
		want := map[string]int{}
		for _, w := range list {
			want[guard.Host(w.URL)]++
		}
		if d := diff(want, b.hosts(t, own)); d != "" {
			r.Errorf("hosts (-want +got):\n%s", d)
		}
	})
}

// TestALostResponseCountsAHostOnce: the SDK repeats the transaction.
func TestALostResponseCountsAHostOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cfg := cloudtest.Config(t)
	lossy := &losing{HTTPClient: cfg.HTTPClient}
	cfg.HTTPClient = lossy
	b.Store = webhookdb.New(dynamodb.NewFromConfig(cfg), b.table)

	w := b.create(t, at("https://a.example/"))
	lossy.lost.Store(false)
	if _, err := b.Update(t.Context(), w.Key(), b.now, moveTo("https://b.example/")); err != nil {
		t.Fatal(err)
	}
	if d := diff(map[string]int{"b.example": 1}, b.hosts(t, tenant)); d != "" {
		t.Errorf("hosts (-want +got):\n%s", d)
	}
	lossy.lost.Store(false)
	if err := b.Delete(t.Context(), w.Key()); err != nil {
		t.Fatal(err)
	}
	if got := b.hosts(t, tenant); len(got) != 0 {
		t.Errorf("hosts %v, want none", got)
	}
}

// TestAWebhookMovesWhileItIsDeleted: the deletion must uncount the new host.
func TestAWebhookMovesWhileItIsDeleted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.create(t, at("https://a.example/"))
	store := webhookdb.New(b.client, b.table)
	moved := false
	faulttest.On(b.faults, func(*dynamodb.TransactWriteItemsInput) (*dynamodb.TransactWriteItemsOutput, error) {
		if moved {
			return nil, nil
		}
		moved = true
		_, err := store.Update(t.Context(), w.Key(), b.now, moveTo("https://b.example/"))
		return nil, err
	})
	if err := b.Delete(t.Context(), w.Key()); err != nil {
		t.Fatal(err)
	}
	if got := b.hosts(t, tenant); len(got) != 0 || !moved {
		t.Errorf("hosts %v, want none", got)
	}
}
