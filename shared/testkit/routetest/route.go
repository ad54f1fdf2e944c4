// Package routetest drives a route of the webhooks' API as Lambda does: what
// its build returns, on a table and a key of its own.
package routetest

import (
	"log/slog"
	"maps"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"webhooks/shared/aws/boot"
	"webhooks/shared/httpapi"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/vault"
	"webhooks/shared/webhook/webhookdb"
)

// Route is a function that serves a route.
type Route struct {
	Function httpapi.Function
	Webhooks *webhookdb.Store // with the function's vault
	client   *dynamodb.Client
	Request  events.APIGatewayV2HTTPRequest // the sample, which a test changes
}

// New builds a route with the variables of its environment that a test adds.
// The sample is a file of events/.
func New(t testing.TB, build boot.Build[httpapi.Function], sample string, variables map[string]string) Route {
	t.Helper()
	table, key := cloudtest.Table(t, "WebhooksTable"), cloudtest.Key(t)
	all := map[string]string{"WEBHOOKS_TABLE": table, "SECRETS_KEY_ARN": key}
	maps.Copy(all, variables)
	function, err := build(slog.New(slog.DiscardHandler), cloudtest.Getenv(t, all))
	if err != nil {
		t.Fatal(err)
	}
	cfg := cloudtest.Config(t)
	client := dynamodb.NewFromConfig(cfg)
	return Route{
		Function: function,
		Webhooks: webhookdb.New(client, table, webhookdb.WithVault(vault.FromConfig(cfg, key))),
		client:   client,
		Request:  cloudtest.Request(t, sample),
	}
}

// Create registers a webhook, as [webhooktest.Webhook] makes it.
func (r Route) Create(t testing.TB, tenantID string, changes ...func(*webhook.Webhook)) webhook.Webhook {
	t.Helper()
	w, err := r.Webhooks.Create(t.Context(), webhooktest.Webhook(tenantID, changes...), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// Invoke answers the request.
func (r Route) Invoke(t testing.TB) cloudtest.Answer {
	t.Helper()
	return cloudtest.Invoke(t, r.Function, r.Request)
}

// Send answers the request with another body.
func (r Route) Send(t testing.TB, body string) cloudtest.Answer {
	t.Helper()
	r.Request.Body = body
	return r.Invoke(t)
}

// Stored returns a webhook as it is stored, with its secrets.
func (r Route) Stored(t testing.TB, key webhook.Key) webhook.Webhook {
	t.Helper()
	w, err := r.Webhooks.GetWithSecrets(t.Context(), key, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// Index returns the subscription index of a tenant.
func (r Route) Index(t testing.TB, tenantID string) webhook.Index {
	t.Helper()
	indexes, err := webhooktest.Indexes(t.Context(), r.client, r.Webhooks, tenantID)
	if err != nil {
		t.Fatal(err)
	}
	return indexes[tenantID]
}
