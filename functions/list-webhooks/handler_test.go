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

func TestTheSampleEvent(t *testing.T) {
	t.Parallel()
	b := routetest.New(t, build, "list-webhooks.json", nil)
	b.Create(t, "globex")
	w := b.Create(t, "demo", func(w *webhook.Webhook) {
		w.Events = []event.Type{event.EnvironmentStarted, event.EnvironmentCreated}
		w.URL = "https://receiver.example/?a=<1>&b=2"
	})
	b.Create(t, "demo", func(w *webhook.Webhook) { w.Enabled = false })

	answer := b.Invoke(t)
	at := w.CreatedAt.Format(time.RFC3339)
	want := fmt.Sprintf(`{"code":0,"message":"success","data":{"items":[`+
		`{"webhook_id":1,"name":"环境事件通知","url":"https://receiver.example/?a=<1>&b=2","events":["environment.started","environment.created"],"enabled":true,"created_at":"%s"},`+
		`{"webhook_id":2,"name":"环境事件通知","url":"https://receiver.example/webhook","events":["environment.created"],"enabled":false,"created_at":"`, at)
	if answer.Status != http.StatusOK || !strings.HasPrefix(answer.Body, want) || !strings.HasSuffix(answer.Body, `Z"}]}}`) {
		t.Errorf("answer %d %s\nwant   200 %s…", answer.Status, answer.Body, want)
	}
}

func TestATenantWithoutWebhooksHasAnEmptyList(t *testing.T) {
	t.Parallel()
	b := routetest.New(t, build, "list-webhooks.json", nil)
	answer := b.Invoke(t)
	if want := `{"code":0,"message":"success","data":{"items":[]}}`; answer.Status != http.StatusOK || answer.Body != want {
		t.Errorf("answer %d %s\nwant   200 %s", answer.Status, answer.Body, want)
	}
}

// maxPayload is what Lambda returns at most, in bytes.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxPayload = 6 << 20

// The list has no pages, so all that a tenant may register must fit into one
// answer, as the runtime encodes it: the body is a string within JSON, where
// what is escaped once is escaped again.
func TestTheLongestListFitsIntoLambdasAnswer(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"four-byte characters": "𝕎",
		"quotation marks":      `"`,
		"backslashes":          `\`,
		"line separators":      "\u2028",
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

// fixed is a store that holds the same for every tenant.
type fixed []webhook.Webhook

func (f fixed) List(context.Context, string) ([]webhook.Webhook, error) { return f, nil }

// longestList is a tenant's list at every limit, made of text as far as a POST
// takes it.
func longestList(t *testing.T, text string) fixed {
	t.Helper()
	urls, err := guard.New(guard.Config{})
	if err != nil {
		t.Fatal(err)
	}
	const host = "https://receiver.example/?"
	ask := map[string]any{
		"name":   "n" + strings.Repeat(text, webhook.MaxNameLength-1), // not blank
		"url":    host + strings.Repeat(text, (guard.MaxURLBytes-len(host))/len(text)),
		"events": event.Types(),
	}
	decode := func() (webhook.Registration, error) {
		body, err := json.Marshal(ask)
		if err != nil {
			t.Fatal(err)
		}
		return webhook.DecodeRegistration(body, urls)
	}
	n, err := decode()
	if apperr.Is(err, apperr.InvalidFields) { // then not in a URL
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
