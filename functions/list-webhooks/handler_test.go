package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"webhooks/shared/apperr"
	"webhooks/shared/event"
	"webhooks/shared/guard"
	"webhooks/shared/httpapi"
	"webhooks/shared/testkit/cloudtest"
	"webhooks/shared/testkit/routetest"
	"webhooks/shared/webhook"
)

// setup returns the route of this function with the sample event.
func setup(t *testing.T) routetest.Route {
	t.Helper()
	return routetest.New(t, build, "list-webhooks.json")
}

func TestTheSampleEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Create(t, "globex")
	w := b.Create(t, "demo", func(w *webhook.Webhook) {
		w.Events = []event.Type{event.EnvironmentStarted, event.EnvironmentCreated}
		w.URL = "https://receiver.example/?a=<1>&b=2"
	})
	b.Create(t, "demo", func(w *webhook.Webhook) { w.Enabled, w.RateLimit = false, 0.5 })

	response := b.Invoke(t)
	at := w.CreatedAt.Format(time.RFC3339)
	want := fmt.Sprintf(`{"code":0,"message":"success","data":{"items":[`+
		`{"webhook_id":1,"name":"环境事件通知","url":"https://receiver.example/?a=<1>&b=2","events":["environment.started","environment.created"],"enabled":true,"created_at":"%s"},`+
		`{"webhook_id":2,"name":"环境事件通知","url":"https://receiver.example/webhook","events":["environment.created"],"enabled":false,"rate_limit":0.5,"created_at":"`, at)
	if response.Status != http.StatusOK || !strings.HasPrefix(response.Body, want) || !strings.HasSuffix(response.Body, `Z"}]}}`) {
		t.Errorf("response %d %s\nwant     200 %s…", response.Status, response.Body, want)
	}
}

// maxPayload is the limit of a response from Lambda, in bytes:
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxPayload = 6 << 20

// The list has no pages, so the largest list of a tenant must fit into one
// response of Lambda. The body is a JSON string in that response, so characters
// that are escaped in the body are escaped twice.
func TestTheLongestListFitsIntoALambdaResponse(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"four-byte characters": "𝕎",
		"quotation marks":      `"`,
		"backslashes":          `\`,
		"angle brackets":       "<",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := longestList(t, text)
			function := httpapi.New(slog.New(slog.DiscardHandler), handler{webhooks: list}.route())
			request, err := json.Marshal(cloudtest.Request(t, "list-webhooks.json"))
			if err != nil {
				t.Fatal(err)
			}
			payload, err := lambda.NewHandler(function).Invoke(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(payload, []byte(`"statusCode":200`)) || len(payload) > maxPayload {
				t.Errorf("%d bytes, want a 200 of at most %d", len(payload), maxPayload)
			}
			t.Logf("%d bytes", len(payload))
		})
	}
}

// fixed is a store with the same webhooks for every tenant.
type fixed []webhook.Webhook

func (f fixed) List(context.Context, string) ([]webhook.Webhook, error) { return f, nil }

// longestList returns the list of a tenant at every limit. Its names and URLs
// repeat text, if a POST accepts that.
func longestList(t *testing.T, text string) fixed {
	t.Helper()
	urls, err := guard.New(guard.Config{})
	if err != nil {
		t.Fatal(err)
	}
	const host = "https://receiver.example/?"
	ask := map[string]any{
		"name":   "n" + strings.Repeat(text, webhook.MaxNameLength-1), // a blank name is refused
		"url":    host + strings.Repeat(text, (guard.MaxURLBytes-len(host))/len(text)),
		"events": event.Types(),
		// The longest number.
		"rate_limit": 123.45678901234567,
	}
	decode := func() (webhook.Registration, error) {
		body, err := json.Marshal(ask)
		if err != nil {
			t.Fatal(err)
		}
		return webhook.DecodeRegistration(body, urls)
	}
	n, err := decode()
	if apperr.Is(err, apperr.InvalidFields) { // text is not allowed in a URL
		ask["url"] = host + strings.Repeat("<", guard.MaxURLBytes-len(host))
		n, err = decode()
	}
	if err != nil {
		t.Fatal(err)
	}
	var list fixed
	for i := range webhook.MaxPerTenant {
		w := n.Webhook("demo")
		w.ID, w.CreatedAt = int64(1e12)+int64(i), time.Date(2026, 1, 26, 10, 0, 0, 0, time.UTC)
		list = append(list, w)
	}
	return list
}
