// Package routetest drives a route of the webhooks' API as Lambda does. Each
// route has its own table and KMS key.
package routetest

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"webhooks/shared/apperr"
	"webhooks/shared/auth"
	"webhooks/shared/aws/boot"
	"webhooks/shared/httpapi"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/webhooktest"
	"webhooks/shared/webhook"
	"webhooks/shared/webhook/vault"
	"webhooks/shared/webhook/webhookdb"
)

// Route is a function that serves a route, and the request that it is called
// with.
type Route struct {
	Function httpapi.Function
	Webhooks *webhookdb.Store               // the function's table, with its KMS key
	Request  events.APIGatewayV2HTTPRequest // at first the sample
	client   *dynamodb.Client
}

// New builds a function. The sample is the name of a file in events/. Settings,
// each NAME=value, are environment variables beside those of the table and the
// KMS key.
func New(t testing.TB, build boot.Build[httpapi.Function], sample string, settings ...string) Route {
	t.Helper()
	table, key := cloudtest.Table(t, "WebhooksTable"), cloudtest.Key(t)
	environment := map[string]string{"WEBHOOKS_TABLE": table, "SECRETS_KEY_ARN": key, "WEBHOOKS_PER_HOST": "1000"}
	for _, setting := range settings {
		name, value, _ := strings.Cut(setting, "=")
		environment[name] = value
	}
	function, err := build(slog.New(slog.DiscardHandler), cloudtest.Getenv(t, environment))
	if err != nil {
		t.Fatal(err)
	}
	cfg := cloudtest.Config(t)
	client := dynamodb.NewFromConfig(cfg)
	return Route{
		Function: function,
		Webhooks: webhookdb.New(client, table, webhookdb.WithVault(vault.FromConfig(cfg, key))),
		Request:  cloudtest.Request(t, sample),
		client:   client,
	}
}

// As returns r with a request of another caller.
func (r Route) As(tenantID string, scopes ...auth.Scope) Route {
	var names []string
	for _, scope := range scopes {
		names = append(names, string(scope))
	}
	r.Request.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
		Lambda: map[string]any{"tenant_id": tenantID, "scopes": strings.Join(names, " ")},
	}
	return r
}

// At returns r with a request to another path.
func (r Route) At(path string) Route {
	r.Request.RawPath, r.Request.RequestContext.HTTP.Path = path, path
	r.Request.PathParameters = nil // those of the sample
	return r
}

// Invoke makes the request.
func (r Route) Invoke(t testing.TB) cloudtest.Response {
	t.Helper()
	return cloudtest.Invoke(t, r.Function, r.Request)
}

// Send makes the request with another body.
func (r Route) Send(t testing.TB, body string) cloudtest.Response {
	t.Helper()
	r.Request.Body = body
	return r.Invoke(t)
}

// WantRefused reports an error unless the answer has the status and the code of
// reason and names these fields, in this order.
func WantRefused(t testing.TB, answer cloudtest.Response, reason apperr.Reason, fields ...string) {
	t.Helper()
	if code := answer.Envelope(t).Code; code != int(reason) || answer.Status != int(reason)/100 {
		t.Errorf("answer %d, code %d, want code %d", answer.Status, code, reason)
	}
	if d := cmp.Diff(fields, answer.Refused(t)); d != "" {
		t.Errorf("fields (-want +got):\n%s", d)
	}
}

// Create stores a webhook of [webhooktest.Webhook] with changes.
func (r Route) Create(t testing.TB, tenantID string, changes ...func(*webhook.Webhook)) webhook.Webhook {
	t.Helper()
	w, err := r.Webhooks.Create(t.Context(), webhooktest.Webhook(tenantID, changes...), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// Stored returns the stored webhook with its secrets.
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
